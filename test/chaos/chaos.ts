import { Command } from 'commander'
import type { ChaosMode } from './mode.ts'

/** Modes, by their flags; each in a file of its own, loaded when it is asked for. */
const MODES: { readonly [flag: string]: { readonly about: string; load(): Promise<ChaosMode> } } = {
  cluster: {
    about: 'faults of a cluster of three brokers, under load',
    load: async () => (await import('./modes/cluster.ts')).mode,
  },
}

interface Options {
  readonly only?: readonly string[]
  readonly list?: true
  readonly [mode: string]: unknown
}

const program = new Command('npm run chaos --')
  .description(
    'Commits faults and compares what comes out; exit code 1 where anything is lost, doubled or stuck.',
  )
  .option('--only <names...>', 'these parts of the mode, in place of all')
  .option('--list', 'what the mode consists of')
  .action(run)
for (const [flag, { about }] of Object.entries(MODES)) program.option(`--${flag}`, about)

await program.parseAsync()

async function run(options: Options): Promise<void> {
  const chosen = Object.keys(MODES).filter(flag => options[flag] === true)
  if (chosen.length !== 1) {
    program.error(
      `choose one of ${Object.keys(MODES)
        .map(flag => `--${flag}`)
        .join(', ')}`,
    )
  }
  const mode = await MODES[chosen[0]!]!.load()
  const parts = mode.list()
  if (options.list) {
    for (const { name, about } of parts) process.stdout.write(`${name}: ${about}\n`)
    return
  }
  const only = options.only ?? []
  const unknown = only.find(name => !parts.some(part => part.name === name))
  if (unknown !== undefined)
    program.error(`"${unknown}" is none of: ${parts.map(({ name }) => name).join(', ')}`)
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  if (!(await mode.run({ only, say }))) process.exitCode = 1
}
