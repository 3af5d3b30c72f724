import { arch, cpus } from 'node:os'
import { Command } from 'commander'
import {
  openBroker,
  openKeyValueStore,
  serdes,
  silentLogger,
  systemRandom,
  type OpenedBroker,
} from '../../lib/index.ts'
import { positive } from '../option-values.ts'

interface Options {
  readonly brokers: string
  readonly records?: number
  readonly small?: boolean
}

interface Flag {
  readonly isOn: boolean
  readonly name: string
}

const READS_A_SAMPLE = 1_000
const SAMPLES = 1_000

/** What a key-value store costs: its load, a read, and writes. */
export function keyValueCommand(): Command {
  return new Command('key-value')
    .description('Measures a key-value store: the load, get, and writes.')
    .option('--brokers <brokers>', 'memory, embedded, or host:port,…', 'memory')
    .option('--records <n>', 'rows', positive)
    .option('--small', 'a few: does it run?')
    .action(measure)
}

async function measure({ brokers, records, small = false }: Options): Promise<void> {
  const count = records ?? (small ? 1_000 : 100_000)
  process.stdout.write(`${cpus().length} × ${cpus()[0]?.model ?? arch()}, Node ${process.version}\n`)
  const broker = await openBroker(brokers, { logger: silentLogger })
  try {
    const topic = `bench-flags-${systemRandom.uuid()}`
    await fill(broker, topic, count)
    const startMs = performance.now()
    const store = await openKeyValueStore<string, Flag>(topic, { broker, logger: silentLogger })
    tell(`load of ${count} rows`, performance.now() - startMs, 'ms')
    if (store.size !== count) throw new Error(`${store.size} rows were loaded, and ${count} were written`)
    tell(
      `get, median of ${SAMPLES} × ${READS_A_SAMPLE}`,
      medianGetNs(key => store.get(key), count),
      'ns',
    )
    tell('put, one after the other', await putMs(key => store.put(key, flag(0))), 'ms')
    await store.close()
  } finally {
    await broker.close()
  }
  const own = await openBroker(brokers, { logger: silentLogger })
  const hits = await openKeyValueStore<string, number>(`bench-hits-${systemRandom.uuid()}`, {
    ...{ broker: own, logger: silentLogger, writes: 'single-writer' },
  })
  await hits.put('warm', 0)
  tell('put through the single writer, one after the other', await putMs(key => hits.put(key, 1)), 'ms')
  await hits.close()
  await own.close()
}

async function fill(broker: OpenedBroker, topic: string, count: number): Promise<void> {
  const admin = await broker.admin()
  await admin.createTopics([{ topic, partitionCount: 1, config: { 'cleanup.policy': 'compact' } }])
  await admin.close()
  const handle = broker.topic(topic, { keySerde: serdes.string(), valueSerde: serdes.json<Flag>() })
  await handle.sendAll(Array.from({ length: count }, (_, n) => ({ key: `flag-${n}`, value: flag(n) })))
}

function flag(n: number): Flag {
  return { isOn: n % 2 === 0, name: `flag ${n}` }
}

/** Keys are made before: their making costs more than the read. */
function medianGetNs(get: (key: string) => Flag | undefined, count: number): number {
  const keys = Array.from({ length: READS_A_SAMPLE }, () => `flag-${Math.floor(systemRandom.next() * count)}`)
  let found = 0
  const samples = Array.from({ length: SAMPLES }, () => {
    const startMs = performance.now()
    for (const key of keys) if (get(key)) found += 1
    return ((performance.now() - startMs) * 1e6) / READS_A_SAMPLE
  })
  if (found !== SAMPLES * READS_A_SAMPLE) throw new Error(`${found} reads found a row`)
  return samples.sort((left, right) => left - right)[SAMPLES / 2]!
}

async function putMs(put: (key: string) => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  for (let n = 0; n < 100; n += 1) await put(`flag-${n}`)
  return (performance.now() - startMs) / 100
}

function tell(what: string, value: number, unit: string): void {
  process.stdout.write(`${what.padEnd(60)} ${value.toFixed(unit === 'ns' ? 0 : 2).padStart(10)} ${unit}\n`)
}
