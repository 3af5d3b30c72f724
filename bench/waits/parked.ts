import { Buffer } from 'node:buffer'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  fixedBackoff,
  KafkaStreams,
  openBroker,
  serdes,
  silentLogger,
  StreamsBuilder,
  systemClock,
  type Broker,
} from '../../lib/index.ts'
import { createTopics, PARTITIONS } from '../input.ts'
import type { WaitFigure } from './figure.ts'

const VALUE_BYTES = 1_024
const HOUR_MS = 3_600_000
const run = promisify(execFile)

/** What one process measures. */
interface Taken {
  readonly parked: number
  readonly megabytes: number
  readonly fromDiskMs: number
  readonly fromChangelogMs: number
}

/**
 * Memory of parked records, beside the same process whose calls have all succeeded, and how long a task takes
 * that is taken over with them.
 */
export async function parked(records: number): Promise<WaitFigure[]> {
  const [none, some] = [await inProcess('none', records), await inProcess('park', records)]
  if (some.parked !== records || none.parked !== 0) {
    throw new Error(`${some.parked} of ${records} records are parked, and ${none.parked} of none`)
  }
  const what = `${records.toLocaleString('en')} parked records of 1 KiB`
  return [
    {
      what: `${what}: memory above the same process with none`,
      value: some.megabytes - none.megabytes,
      unit: 'MB',
    },
    { what: `${what}: start on the same disk`, value: some.fromDiskMs / 1_000, unit: 's' },
    { what: `${what}: take-over from the changelog`, value: some.fromChangelogMs / 1_000, unit: 's' },
  ]
}

/** In a process of its own: memory that another measurement has used would count. */
async function inProcess(mode: 'none' | 'park', records: number): Promise<Taken> {
  const script = process.argv[1] ?? ''
  const args = [...process.execArgv, '--expose-gc', script, 'waits', 'parked', '--in-process', mode]
  const { stdout } = await run(process.execPath, [...args, '--records', String(records)])
  return JSON.parse(stdout) as Taken
}

export async function measureParked(mode: 'none' | 'park', records: number): Promise<Taken> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-parked-'))
  const broker = await openBroker('embedded', { directory: join(directory, 'broker') })
  const stateDir = join(directory, 'state')
  const start = async () => {
    const streams = applicationOf(broker, stateDir, mode)
    const startMs = performance.now()
    await streams.start()
    return { streams, tookMs: performance.now() - startMs }
  }
  try {
    await createTopics(broker, ['in', 'out'])
    await load(broker, records)
    const first = (await start()).streams
    while (!isDone(first, mode, records)) await systemClock.sleep(50)
    const megabytes = memory()
    const parkedRecords = first.metrics.total('retry-parked-records')
    await first.close()
    const again = await start()
    await again.streams.close()
    await rm(stateDir, { recursive: true, force: true })
    const anew = await start()
    await anew.streams.close()
    return { parked: parkedRecords, megabytes, fromDiskMs: again.tookMs, fromChangelogMs: anew.tookMs }
  } finally {
    await broker.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Whether all are parked, or have all been called. */
function isDone({ metrics }: KafkaStreams, mode: 'none' | 'park', records: number): boolean {
  if (mode === 'park') return metrics.total('retry-parked-records') === records
  return metrics.total('async-calls-total') === records && metrics.total('async-calls-in-flight') === 0
}

/** Heap and buffers, after what is not used has been let go. */
function memory(): number {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1e6
}

function applicationOf(broker: Broker, stateDir: string, mode: 'none' | 'park'): KafkaStreams {
  const builder = new StreamsBuilder()
  const serde = { keySerde: serdes.string(), valueSerde: serdes.bytes() }
  builder
    .stream('in', serde)
    .mapValuesAsync(
      async value => {
        if (mode === 'park') throw new Error('down')
        return value
      },
      {
        name: 'charge',
        concurrency: 64,
        retry: { backoff: fixedBackoff({ delayMs: HOUR_MS }), giveUpAfterMs: 100 * HOUR_MS },
      },
    )
    .to('out', serde)
  const config = { applicationId: 'parked', stateDir, commitIntervalMs: 100 }
  return new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
}

async function load(broker: Broker, records: number): Promise<void> {
  const producer = await broker.producer({ clientId: 'bench-loader' })
  const timestamp = systemClock.nowMs()
  for (let at = 0; at < records; at += 1) {
    if (!producer.writable) await producer.drained()
    const key = Buffer.from(`k${at}`)
    const value = Buffer.alloc(VALUE_BYTES, 97 + (at % 20))
    producer.send({ topic: 'in', partition: at % PARTITIONS, key, value, timestamp, headers: [] })
  }
  await producer.flush()
  await producer.close()
}
