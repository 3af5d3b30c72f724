import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { runImportChaos } from './import-chaos.ts'

interface Options {
  readonly brokers: string
  readonly rows: string
  readonly kills: string
  readonly processes: string
  readonly seed: string
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  readonly minutes: string
}

const program = new Command('chaos')
  .description(
    'Imports contacts while processes are killed; exit code 1 where anything is lost or doubled. Needs `npm run build`.',
  )
  .option('--brokers <brokers>', 'embedded, or the addresses of a fresh cluster', 'embedded')
  .option('--rows <n>', 'rows of the file', '1000000')
  .option('--kills <n>', 'kill -9 and restart', '10')
  .option('--processes <n>', 'processes that share the work (on a cluster)', '1')
  .option('--seed <n>', 'of the file and of the kills', '1')
  .option('--guarantee <guarantee>', 'exactly-once or at-least-once')
  .option('--minutes <n>', 'longest wait for progress', '10')
  .action(run)

await program.parseAsync()

async function run(options: Options): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const { brokers, guarantee } = options
  const [rows, kills, processes, seed] = [options.rows, options.kills, options.processes, options.seed].map(
    Number,
  ) as [number, number, number, number]
  try {
    const outcome = await runImportChaos({
      brokers,
      directory,
      rows,
      kills,
      processes,
      seed,
      ...(guarantee ? { guarantee } : {}),
      limitMs: Number(options.minutes) * 60_000,
      say: line => void process.stdout.write(`${line}\n`),
    })
    process.stdout.write(`${JSON.stringify(outcome)}\n`)
    const doubled = guarantee !== 'at-least-once' && outcome.duplicates > 0
    if (outcome.wrong.length > 0 || doubled) process.exitCode = 1
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
