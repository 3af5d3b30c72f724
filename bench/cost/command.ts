import { writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import type { ProcessingGuarantee } from '../../lib/index.ts'
import { buildIfStale } from '../compare/millrace-side.ts'
import { GUARANTEES } from '../compare/names.ts'
import { onStage } from '../compare/on-stage.ts'
import type { Stage } from '../compare/stage.ts'
import { positive } from '../option-values.ts'
import { measurePoint, type CostPoint } from './setup.ts'
import { bendsOf, valuesWithin, type Sweep } from './sweep.ts'
import { SWEEPS, type What } from './sweeps.ts'

interface Options {
  readonly what: What
  readonly from?: number
  readonly to?: number
  readonly records?: number
  readonly guarantee: ProcessingGuarantee
  readonly small?: boolean
  readonly json?: string
}

const SMALL_RECORDS = 4000

const HELP = `
${Object.entries<Sweep>(SWEEPS)
  .map(([what, { title, values, unit }]) => `${what.padEnd(12)}${title}: ${values.join(', ')} ${unit}`)
  .join('\n')}

--from and --to choose among these steps, and are steps themselves: --what state --to 5000 goes on to 5 GB, and needs about five
times that on disk while it runs (input, changelog, output and state).
`

export function costCommand(): Command {
  return new Command('cost')
    .description('how many records a second Millrace does as work grows, on a broker of its own')
    .addOption(new Option('--what <what>', 'what grows').choices(Object.keys(SWEEPS)).makeOptionMandatory())
    .option('--from <n>', 'the least', positive)
    .option('--to <n>', 'the most', positive)
    .option('--records <n>', 'of each input, or of updates with state', positive)
    .addOption(new Option('--guarantee <guarantee>').choices(GUARANTEES).default('exactly-once'))
    .option('--small', 'two steps with a few records: does it run?')
    .option('--json <file>', 'writes the points there')
    .addHelpText('after', HELP)
    .action((options: Options) => onStage(stage => run(stage, options)))
}

async function run(stage: Stage, options: Options): Promise<void> {
  const { what, small = false, guarantee } = options
  const sweep: Sweep = SWEEPS[what]
  await buildIfStale(stage.say)
  await stage.startBroker()
  process.stdout.write(`${sweep.title}; ${guarantee}\n`)
  process.stdout.write(row(sweep.unit, 'records', 'records/s', 'MB/s', 'peak MB'))
  const points: CostPoint[] = []
  for (const value of valuesWithin(sweep, { ...options, small })) {
    const setup = sweep.setup(value, options.records ?? (small ? SMALL_RECORDS : undefined))
    const point = await measurePoint(stage, value, setup, guarantee)
    points.push(point)
    const rates = [point.recordsPerSecond, point.megabytesPerSecond, point.peakRssMb].map(whole)
    process.stdout.write(row(whole(value), whole(point.records), ...rates))
  }
  process.stdout.write(`${describeBends(sweep, points)}\n`)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(points, undefined, 2)}\n`)
}

function describeBends({ unit }: Sweep, points: readonly CostPoint[]): string {
  const bends = bendsOf(points)
  if (bends.length === 0) return 'no bend: no step costs more than a quarter of the rate'
  return `bends at ${bends.map(({ value }) => `${whole(value)} ${unit}`).join(', ')}: more than a quarter less than the step before`
}

const whole = (value: number) => Math.round(value).toLocaleString('en')
const row = (...cells: readonly string[]) => `${cells.map(cell => cell.padStart(12)).join('')}\n`
