import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { runViewsChaos } from './views-chaos.ts'

interface Options {
  readonly brokers: string
  readonly updates: string
  readonly kills: string
  readonly seed: string
  readonly minutes: string
}

await new Command('chaos of the views')
  .description(
    'Changes sites and countries while the process is killed; exit code 1 where a view is wrong. Needs `npm run build`.',
  )
  .option('--brokers <brokers>', 'embedded, or the addresses of a fresh cluster', 'embedded')
  .option('--updates <n>', 'updates, removals and deletions', '100000')
  .option('--kills <n>', 'kill -9 and restart', '5')
  .option('--seed <n>', 'of the updates and of the kills', '1')
  .option('--minutes <n>', 'longest wait for anything', '10')
  .action(run)
  .parseAsync()

async function run({ brokers, ...numbers }: Options): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-views-'))
  try {
    const outcome = await runViewsChaos({
      brokers,
      directory,
      updates: Number(numbers.updates),
      kills: Number(numbers.kills),
      seed: Number(numbers.seed),
      limitMs: Number(numbers.minutes) * 60_000,
      say: line => void process.stdout.write(`${line}\n`),
    })
    process.stdout.write(`${JSON.stringify(outcome)}\n`)
    if (outcome.wrong.length > 0) process.exitCode = 1
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
