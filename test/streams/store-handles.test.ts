import { expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

function topology() {
  const builder = new StreamsBuilder()
  const input = builder.stream('in', text).groupByKey()
  return {
    builder,
    counts: input.count({ storeName: 'counts' }),
    unnamed: input.count(),
    perMinute: input
      .windowedBy(timeWindows({ sizeMs: 60_000, graceMs: 0 }))
      .count({ storeName: 'per-minute' }),
    visits: input
      .windowedBy(sessionWindows({ inactivityGapMs: 1_000, graceMs: 0 }))
      .count({ storeName: 'visits' }),
    prices: builder.table('prices', { ...text, storeName: 'prices', historyRetentionMs: 60_000 }),
    names: builder.globalTable('names', { ...text, storeName: 'names' }),
  }
}

async function stage() {
  const tables = topology()
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, names: 1, prices: 1 }, ['names'])
  const config = { applicationId: 'app', commitIntervalMs: 10, stateDir: await temporaryDirectory() }
  const streams = new KafkaStreams(tables.builder.build(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  return { ...tables, broker, streams }
}

it('are the tables themselves, which know the types of keys and values', async () => {
  const { streams, broker, counts, perMinute, visits, prices, names } = await stage()
  await streams.start()
  const seen: [string, number | null][] = []
  streams.changes(counts).subscribe(({ key, value }) => seen.push([key, value]))
  await produce(broker, 'in', 1, [['a', '']])
  await produce(broker, 'names', 1, [['a', 'Ann']])
  await produce(broker, 'prices', 1, [['a', '7']])

  await eventually(() => expect(streams.store(counts).get('a')?.toFixed()).toBe('1'))
  expect(streams.timestampedStore(counts).get('a')).toEqual({ value: 1, timestamp: 1_000 })
  await eventually(() => expect(seen).toEqual([['a', 1]]))
  expect(streams.windowStore(perMinute).fetch('a', 0)?.toFixed()).toBe('1')
  expect(streams.timestampedWindowStore(perMinute).fetch('a', 0)?.value.toFixed()).toBe('1')
  const sessions: string[] = []
  for await (const [{ key }, count] of streams.sessionStore(visits).fetch('a'))
    sessions.push(`${key.toUpperCase()} ${count.toFixed()}`)
  expect(sessions).toEqual(['A 1'])
  await eventually(() => expect(streams.versionedStore(prices).get('a')?.value.trim()).toBe('7'))
  await streams.caughtUp(names)
  expect(streams.store(names).get('a')?.toUpperCase()).toBe('ANN')
  expect(streams.globalPositions(names)).toEqual([{ topic: 'names', partition: 0, offset: 1 }])
})

it('tell the changes of windows and sessions by keys in their windows', async () => {
  const { streams, broker, perMinute, visits } = await stage()
  await streams.start()
  const seen: [store: string, key: string, span: string, value: number | null][] = []
  streams.changes(perMinute).subscribe(({ key: { key, window }, value }) => {
    seen.push(['per-minute', key.toUpperCase(), `${window.startMs} to ${window.endMs}`, value])
  })
  streams.changes(visits).subscribe(({ key: { key, window }, value }) => {
    seen.push(['visits', key.toUpperCase(), `${window.startMs} to ${window.endMs}`, value])
  })
  await produce(broker, 'in', 1, [['a', '', 61_000]])
  await eventually(() => expect(seen).toHaveLength(2))
  expect(seen.sort()).toEqual([
    ['per-minute', 'A', '60000 to 120000', 1],
    ['visits', 'A', '61000 to 61000', 1],
  ])
})

it('are refused where the table has no store of a name', async () => {
  const { streams, unnamed } = await stage()
  expect(() => streams.store(unnamed)).toThrow(/give the operator that makes it a name for one, { storeName/)
  expect(() => streams.changes(unnamed)).toThrow(expect.objectContaining({ code: 'STORE_NOT_NAMED' }))
})

it('ready: resolves once the application runs, and rejects where it cannot any more', async () => {
  const { streams } = await stage()
  const { ready } = streams
  await streams.start()
  await ready
  await streams.ready
  const { streams: unstarted } = await stage()
  const never = unstarted.ready
  await unstarted.close()
  await expect(never).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(unstarted.ready).rejects.toMatchObject({ code: 'CLOSED' })
})

it('ready: rejects with the error that ends the application', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  const builder = new StreamsBuilder()
  builder.stream('absent', text).to('nowhere')
  const config = { applicationId: 'app', stateDir: await temporaryDirectory() }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  const { ready } = streams
  const failed = expect(ready).rejects.toMatchObject({ code: 'TOPIC_MISSING' })
  await streams.start().catch(() => undefined)
  await failed
})
