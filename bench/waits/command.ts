import { writeFile } from 'node:fs/promises'
import { arch, cpus } from 'node:os'
import { Argument, Command, Option } from 'commander'
import { positive } from '../option-values.ts'
import type { WaitFigure } from './figure.ts'
import { measureParked, parked } from './parked.ts'
import { schedules } from './schedules.ts'
import { tries } from './tries.ts'

const SUBJECTS = ['parked', 'tries', 'schedules', 'all'] as const
type Subject = (typeof SUBJECTS)[number]

interface Options {
  readonly brokers: string
  readonly records?: number
  readonly small?: boolean
  readonly json?: string
  readonly inProcess?: 'none' | 'park'
}

/** What waits: how much memory it takes, and how late it is when its time has come. */
export function waitsCommand(): Command {
  return new Command('waits')
    .description('Measures what waits: memory of parked records, take-over with them, lateness.')
    .addArgument(new Argument('[subject]', 'what is measured').choices(SUBJECTS).default('all'))
    .option('--brokers <brokers>', 'for lateness: memory, embedded, or host:port,…', 'memory')
    .option('--records <n>', 'how many wait', positive)
    .option('--small', 'a few: does it run?')
    .option('--json <file>', 'writes the figures there')
    .addOption(
      new Option('--in-process <mode>', 'parked: measures in this process')
        .choices(['none', 'park'])
        .hideHelp(),
    )
    .action(measure)
}

async function measure(subject: Subject, options: Options): Promise<void> {
  const { brokers, small = false, json, inProcess } = options
  const count = (usual: number, few: number) => options.records ?? (small ? few : usual)
  if (inProcess) {
    process.stdout.write(JSON.stringify(await measureParked(inProcess, count(100_000, 2_000))))
    return
  }
  process.stdout.write(`${cpus().length} × ${cpus()[0]?.model ?? arch()}, Node ${process.version}\n`)
  const figures: WaitFigure[] = []
  const add = (more: readonly WaitFigure[]): void => {
    figures.push(...more)
    for (const figure of more) process.stdout.write(`${line(figure)}\n`)
  }
  const asksFor = (name: Subject) => subject === name || subject === 'all'
  if (asksFor('tries')) add(await tries(count(1_000, 100), brokers))
  if (asksFor('schedules')) add(await schedules(count(10_000, 500), brokers))
  if (asksFor('parked')) add(await parked(count(100_000, 2_000)))
  if (json !== undefined) await writeFile(json, `${JSON.stringify(figures, undefined, 2)}\n`)
}

function line({ what, value, unit }: WaitFigure): string {
  const digits = unit === 's' ? 2 : 0
  return `${what.padEnd(86)} ${value.toFixed(digits).padStart(8)} ${unit}`
}
