import { writeFile } from 'node:fs/promises'
import { arch, cpus } from 'node:os'
import { Command, Option } from 'commander'
import type { ProcessingGuarantee } from '../../lib/index.ts'
import { positive } from '../option-values.ts'
import { casesFor } from './cases.ts'
import { drawChart } from './chart.ts'
import { compare } from './compare.ts'
import { jvmSide } from './jvm-side.ts'
import { buildIfStale, millraceSide } from './millrace-side.ts'
import { COMPARE_NAMES, GUARANTEES, type CompareName } from './names.ts'
import { quixSide } from './quix-side.ts'
import { renderTable } from './table.ts'
import type { Stage } from './stage.ts'
import { onStage } from './on-stage.ts'

interface Options {
  readonly json?: string
  readonly svg?: string
  readonly only?: CompareName
  readonly guarantee?: ProcessingGuarantee
  readonly records?: number
  readonly rounds?: number
  readonly minutes: number
  readonly small?: boolean
  readonly peer?: 'quix'
}

const ROUNDS = 5

const HELP = `
Starts a broker of its own (Java 17 or later, and Maven the first time, to fetch it), loads the inputs once, and runs Millrace and
Kafka Streams 4.3.1 by turns, each in a process of its own with one thread, defaults but for a commit interval of 100 ms (exactly-once) or a
second (at-least-once). Rates are taken from the commits that the broker has seen, the same way for both. Answers are compared:
where they differ the first difference is printed. ratio is Millrace ÷ Kafka Streams. memory is the peak of the process under count,
start-up the time from starting the process to the first committed output of pass-through.

Exit codes: 0, 1 (the answers differ, or something failed), 2 (the command line is wrong, or something is not installed).
`

export function compareCommand(): Command {
  return new Command('compare')
    .description('runs Millrace and Kafka Streams on one broker, by turns, and compares figures and answers')
    .option('--json <file>', 'writes the results there')
    .option('--svg <file>', 'draws a chart of the ratios there')
    .addOption(new Option('--only <name>', 'one line of the table').choices([...COMPARE_NAMES]))
    .addOption(new Option('--guarantee <guarantee>', 'both if left out').choices(GUARANTEES))
    .option(
      '--records <n>',
      'records of each input; by default 2,000,000, and fewer for slow workloads',
      positive,
    )
    .option('--rounds <n>', `runs of each side (default: ${ROUNDS})`, positive)
    .option('--minutes <n>', 'no round begins that would end later', positive, 25)
    .option(
      '--small',
      'one round of a few records, both sides at once: does it run, and are the answers right?',
    )
    .addOption(new Option('--peer <name>', 'a third program: Quix Streams, for Python').choices(['quix']))
    .addHelpText('after', HELP)
    .action((options: Options) => onStage(stage => run(stage, options)))
}

async function run(stage: Stage, options: Options): Promise<void> {
  const { small = false, rounds = small ? 1 : ROUNDS, minutes, only } = options
  const sides = [millraceSide, await jvmSide(stage.directory, stage.say)]
  if (options.peer === 'quix') sides.push(await quixSide())
  await buildIfStale(stage.say)
  await stage.startBroker()
  const { results, failures } = await compare(stage, casesFor(options), sides, {
    rounds,
    minutes,
    together: small,
  })
  const list = results.list(only)
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? arch()}, Node ${process.version}`
  process.stdout.write(`${machine}, Kafka Streams 4.3.1\n\n${renderTable(list)}\n`)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(list, undefined, 2)}\n`)
  if (options.svg !== undefined) await writeFile(options.svg, drawChart(list))
  if (failures.length > 0) throw new Error(failures.join('\n'))
}
