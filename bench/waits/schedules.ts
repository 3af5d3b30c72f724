import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  KafkaStreams,
  openBroker,
  serdes,
  silentLogger,
  StreamsBuilder,
  systemClock,
} from '../../lib/index.ts'
import { readPartitions } from '../../lib/broker/open/read-partitions.ts'
import { createTopics, PARTITIONS } from '../input.ts'
import { eachRecord } from '../output.ts'
import { lateness, type WaitFigure } from './figure.ts'

const WITHIN_MS = 1_000
/** Time for the definitions to be written before the first is due. */
const AHEAD_MS = 6_000
const PUTS = 500

/** How late firings are when so many schedules are due within one second, and how many fire in one. */
export async function schedules(count: number, brokers: string): Promise<WaitFigure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-schedules-'))
  const broker = await openBroker(brokers, { directory: join(directory, 'broker') })
  const run = `schedules-${systemClock.nowMs()}`
  const output = `${run}-out`
  const serde = { keySerde: serdes.string(), valueSerde: serdes.int64() }
  const builder = new StreamsBuilder()
  builder.schedules({ to: { out: { topic: output, ...serde } } })
  const config = { applicationId: run, stateDir: join(directory, 'state'), commitIntervalMs: 100 }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  try {
    await createTopics(broker, [output])
    const reading = seen()
    await streams.start()
    const firstMs = systemClock.nowMs() + AHEAD_MS + count / 2
    const dueMs = (at: number) => Math.round(firstMs + (at * WITHIN_MS) / count)
    for (let at = 0; at < count; at += PUTS) await putSome(at)
    if (systemClock.nowMs() >= firstMs) throw new Error('writing the definitions took longer than they wait')
    const seenMs = await reading
    await streams.close()
    return await figures(seenMs, dueMs)

    async function putSome(from: number): Promise<void> {
      const client = streams.schedules()
      const ids = Array.from({ length: Math.min(PUTS, count - from) }, (_, at) => from + at)
      await Promise.all(
        ids.map(at => client.put(`s${at}`, { at: dueMs(at), to: { sink: 'out', key: `s${at}`, value: at } })),
      )
    }
  } finally {
    await streams.close()
    await broker.close()
    await rm(directory, { recursive: true, force: true })
  }

  /** When each firing could be read, by its schedule. */
  async function seen(): Promise<Map<number, number>> {
    const found = new Map<number, number>()
    const starts = Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic: output,
      partition,
      offset: 0,
    }))
    const reading = { clientId: 'bench-reader', isolation: 'read_committed', starts } as const
    for await (const { records } of readPartitions(broker, reading)) {
      for (const { value } of records) found.set(numberOf(value), systemClock.nowMs())
      if (found.size === count) break
    }
    return found
  }

  async function figures(
    seenMs: ReadonlyMap<number, number>,
    dueMs: (at: number) => number,
  ): Promise<WaitFigure[]> {
    const firedMs: number[] = []
    await eachRecord(broker, output, ({ value, timestamp }) =>
      firedMs.push(timestamp - dueMs(numberOf(value))),
    )
    if (firedMs.length !== count) throw new Error(`${firedMs.length} firings of ${count} schedules came out`)
    const what = `${count.toLocaleString('en')} schedules due within one second`
    const times = [...seenMs.values()]
    return [
      ...lateness(`${what}, fired`, firedMs),
      ...lateness(
        `${what}, readable`,
        Array.from(seenMs, ([at, ms]) => ms - dueMs(at)),
      ),
      {
        what: `${what}, readable: all within`,
        value: (Math.max(...times) - Math.min(...times)) / 1_000,
        unit: 's',
      },
    ]
  }

  function numberOf(value: Uint8Array | null): number {
    return value === null ? -1 : serdes.int64().deserialize(value, { topic: output })
  }
}
