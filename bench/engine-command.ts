import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { arch, cpus, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Command, Option } from 'commander'
import { openBroker, type ProcessingGuarantee } from '../lib/index.ts'
import { positive } from './option-values.ts'
import type { BenchResult, Workload } from './workload.ts'
import { bareLoop } from './workloads/bare-loop.ts'
import { calls, retry } from './workloads/calls.ts'
import { count } from './workloads/count.ts'
import { fetch } from './workloads/fetch.ts'
import { passThrough } from './workloads/pass-through.ts'
import { produce } from './workloads/produce.ts'
import { restore } from './workloads/restore.ts'

const WORKLOADS: readonly Workload[] = [passThrough, count, restore, calls, retry, fetch, produce, bareLoop]
const GUARANTEES: readonly ProcessingGuarantee[] = ['at-least-once', 'exactly-once']

interface Options {
  readonly brokers: string
  readonly fetch?: 'direct' | 'native'
  readonly produce?: 'direct' | 'native'
  readonly guarantee?: ProcessingGuarantee
  readonly records?: number
  readonly small?: boolean
  readonly json?: string
}

/** The benchmarks of this engine alone, on any broker. */
export function engineCommand(): Command {
  return new Command('engine')
    .description('Measures the engine; checks that what came out is right; exit code 1 where it is not.')
    .argument('<name>', `one of ${WORKLOADS.map(({ name }) => name).join(', ')}, or all`)
    .option('--brokers <brokers>', 'memory, embedded, or host:port,…', 'memory')
    .addOption(new Option('--fetch <path>', 'how Kafka is read').choices(['direct', 'native']))
    .addOption(new Option('--produce <path>', 'how Kafka is written').choices(['direct', 'native']))
    .addOption(new Option('--guarantee <guarantee>', 'both if left out').choices(GUARANTEES))
    .option('--records <n>', 'records of input', positive)
    .option('--small', 'a few records: does it run?')
    .option('--json <file>', 'writes the results there')
    .addHelpText(
      'after',
      `\n${WORKLOADS.map(({ name, question }) => `${name.padEnd(14)}${question}`).join('\n')}`,
    )
    .action(runAll)
}

async function runAll(name: string, options: Options, command: Command): Promise<void> {
  const isKafka = options.brokers.includes(':')
  const workloads = WORKLOADS.filter(workload =>
    name === 'all' ? isKafka || !workload.needsKafka : workload.name === name,
  )
  if (workloads.length === 0) command.error(`there is no benchmark "${name}"`, { exitCode: 2 })
  if (!isKafka && workloads.some(({ needsKafka }) => needsKafka)) {
    command.error(`"${name}" is about the Kafka client: name a broker with --brokers host:port`, {
      exitCode: 2,
    })
  }
  process.stdout.write(
    `${cpus().length} × ${cpus()[0]?.model ?? arch()}, Node ${process.version}, brokers ${options.brokers}\n`,
  )
  const results: BenchResult[] = []
  for (const workload of workloads) {
    process.stdout.write(`\n${workload.question}\n`)
    for (const guarantee of options.guarantee ? [options.guarantee] : GUARANTEES) {
      const result = await runOne(workload, guarantee, options)
      results.push(result)
      print(result)
    }
  }
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, undefined, 2)}\n`)
  if (results.some(({ hash, expected }) => hash !== expected)) process.exitCode = 1
}

async function runOne(
  workload: Workload,
  guarantee: ProcessingGuarantee,
  options: Options,
): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const broker = await openBroker(options.brokers, {
    directory: join(directory, 'broker'),
    ...(options.fetch ? { fetch: options.fetch } : {}),
    ...(options.produce ? { produce: options.produce } : {}),
  })
  const records = options.records ?? (options.small ? workload.smallRecords : workload.records)
  try {
    const stateDir = join(directory, 'state')
    const run = basename(directory)
    const named = (name: string) => `${name}-${run}`
    const measured = await workload.run({ broker, guarantee, records, stateDir, named, progress })
    const rssMb = Math.round(process.memoryUsage.rss() / 1e6)
    const recordsPerSecond = Math.round(measured.records / measured.seconds)
    const cpuMicrosPerRecord = Number(((measured.cpuSeconds * 1e6) / measured.records).toFixed(3))
    const rates = { recordsPerSecond, cpuMicrosPerRecord, rssMb }
    return { name: workload.name, guarantee, brokers: options.brokers, ...rates, ...measured }
  } finally {
    await broker.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function print(result: BenchResult): void {
  const { name, guarantee, recordsPerSecond, seconds, cpuMicrosPerRecord, rssMb, hash, expected } = result
  const cpu = cpuMicrosPerRecord.toFixed(2).padStart(6)
  const rate = recordsPerSecond.toLocaleString('en').padStart(12)
  const verdict = hash === expected ? `result ${hash}` : `WRONG RESULT ${hash}, expected ${expected}`
  process.stdout.write(
    `${name.padEnd(14)} ${guarantee.padEnd(14)} ${rate} records/s  ${cpu} cpu µs/record  ${seconds.toFixed(2).padStart(7)} s  ${String(rssMb).padStart(5)} MB  ${verdict}\n`,
  )
}

function progress(line: string): void {
  process.stderr.write(`  ${line}\n`)
}
