import { Command, InvalidArgumentError } from 'commander'
import type { ChaosMode } from './mode.ts'

interface ModeEntry {
  readonly about: string
  /** Those of `OPTIONS` that it takes. */
  readonly options: readonly OptionName[]
  load(): Promise<ChaosMode>
}

/** Options that not every mode takes. */
const OPTIONS = {
  seed: { flags: '--seed <number>', about: 'repeats a run: its faults are drawn from it', parse: whole },
  count: { flags: '--count <number>', about: 'how many faults are drawn', parse: whole },
  minutes: { flags: '--minutes <number>', about: 'how long faults are committed (10)', parse: positive },
  log: { flags: '--log <file>', about: 'a file for the log of faults and the verdict', parse: undefined },
  defaults: { flags: '--defaults', about: 'timeouts as they are by default', parse: undefined },
} as const
type OptionName = keyof typeof OPTIONS

/** Modes, by their flags; each in a file of its own, loaded when it is asked for. */
const MODES: { readonly [flag: string]: ModeEntry } = {
  cluster: {
    about: 'faults of a cluster of three brokers, under load',
    options: [],
    load: async () => (await import('./modes/cluster.ts')).mode,
  },
  stalls: {
    about: 'random stalls of event loop, process and broker (--count 200, --seed, --defaults: 20)',
    options: ['seed', 'count', 'defaults'],
    load: async () => (await import('./modes/stalls.ts')).mode,
  },
  purchases: {
    about:
      'purchases, each checked out once: 1,000 faults in one process, 100 on a cluster (--count, --seed)',
    options: ['seed', 'count'],
    load: async () => (await import('./modes/purchases.ts')).mode,
  },
  gather: {
    about: '1,000 imports of up to 10,000 jobs, results in no order, processes killed (--count 60, --seed)',
    options: ['seed', 'count'],
    load: async () => (await import('./modes/gather.ts')).mode,
  },
  all: {
    about: 'random faults of every kind at once, for ten minutes (--minutes, --seed, --log)',
    options: ['seed', 'minutes', 'log'],
    load: async () => (await import('./modes/all.ts')).mode,
  },
}

type Options = {
  readonly only?: readonly string[]
  readonly list?: true
  readonly seed?: number
  readonly count?: number
  readonly minutes?: number
  readonly log?: string
  readonly defaults?: true
} & { readonly [mode: string]: unknown }

const program = new Command('npm run chaos --')
  .description(
    'Commits faults and compares what comes out; exit code 1 where anything is lost, doubled or stuck.',
  )
  .action(run)
for (const [flag, { about }] of Object.entries(MODES)) program.option(`--${flag}`, about)
program
  .option('--only <names...>', 'these parts of the mode, in place of all')
  .option('--list', 'what the mode consists of')
for (const { flags, about, parse } of Object.values(OPTIONS)) {
  if (parse) program.option(flags, about, parse)
  else program.option(flags, about)
}

await program.parseAsync()

async function run(options: Options): Promise<void> {
  const mode = await chosenMode(options)
  const { only = [], seed = randomSeed(), count, minutes, log, defaults } = options
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  const given = { only, say, seed, count, minutes, log, defaults }
  const parts = mode.list(given)
  if (options.list) {
    for (const { name, about } of parts) say(`${name}: ${about}`)
    return
  }
  const unknown = only.find(name => !parts.some(part => part.name === name))
  if (unknown !== undefined)
    program.error(`"${unknown}" is none of: ${parts.map(({ name }) => name).join(', ')}`)
  if (!(await mode.run(given))) process.exitCode = 1
}

function chosenMode(options: Options): Promise<ChaosMode> {
  const chosen = Object.keys(MODES).filter(flag => options[flag] === true)
  if (chosen.length !== 1) {
    const flags = Object.keys(MODES).map(flag => `--${flag}`)
    program.error(`choose one of ${flags.join(', ')}`)
  }
  const entry = MODES[chosen[0]!]!
  for (const name of Object.keys(OPTIONS) as OptionName[])
    if (options[name] !== undefined && !entry.options.includes(name))
      program.error(`--${name} means nothing to --${chosen[0]}`)
  return entry.load()
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function positive(text: string): number {
  const number = Number(text)
  if (!(number > 0 && number < 10_000)) throw new InvalidArgumentError('It must be more than 0.')
  return number
}

function randomSeed(): number {
  return Math.floor(Math.random() * 1_000_000)
}
