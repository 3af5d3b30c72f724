import { serdes, sessionWindows, StreamsBuilder, stores, timeWindows, type Serde } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { describe, expect, it } from 'vitest'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

it('pipes the headers that a serde adds', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', text).to('out', text)
  using driver = new TopologyTestDriver(builder.build())
  const valueSerde: Serde<string> = {
    ...serdes.string(),
    serialize(value, context) {
      context.headers?.add('length', Buffer.from([value.length]))
      return serdes.string().serialize(value, context)
    },
  }
  driver.createInputTopic('in', { keySerde: serdes.string(), valueSerde }).pipeInput('a', 'tea')
  const { headers } = driver.createOutputTopic('out', text).readRecord()
  expect(headers).toEqual([{ key: 'length', value: Buffer.from([3]) }])
})

function everyKind() {
  const builder = new StreamsBuilder()
  const lines = builder.stream('in', text).groupByKey()
  const counts = lines.count({ storeName: 'counts' })
  const perMinute = lines
    .windowedBy(timeWindows({ sizeMs: 60_000, graceMs: 60_000 }))
    .count({ storeName: 'per-minute' })
  const visits = lines
    .windowedBy(sessionWindows({ inactivityGapMs: 1000, graceMs: 120_000 }))
    .count({ storeName: 'visits' })
  const prices = builder.table('prices', { ...text, storeName: 'prices', historyRetentionMs: 60_000 })
  const names = builder.globalTable('names', { ...text, storeName: 'names' })
  const unnamed = builder.table('unnamed', text)
  builder.addStateStore(
    stores.keyValueStore({ name: 'own', keySerde: serdes.string(), valueSerde: serdes.int64() }),
  )
  builder
    .stream('more', text)
    .process(() => ({ init: context => context.getStateStore('own'), process: () => undefined }), {
      stores: ['own'],
    })
  return { topology: builder.build(), counts, perMinute, visits, prices, names, unnamed }
}

describe('stores of the test driver, by their tables', () => {
  it('a key-value store: values without timestamps, in every kind of range', () => {
    const { topology, counts } = everyKind()
    using driver = new TopologyTestDriver(topology)
    const input = driver.createInputTopic('in', text)
    for (const key of ['a', 'b', 'b']) input.pipeInput(key, 'x')

    const store = driver.store(counts)
    const one: number | undefined = store.get('b')
    expect([one, store.get('z')]).toEqual([2, undefined])
    const [a, b] = [
      ['a', 1],
      ['b', 2],
    ]
    expect([...store.all()]).toEqual([a, b])
    expect([...store.reverseAll()]).toEqual([b, a])
    expect([...store.range('b', undefined)]).toEqual([b])
    expect([...store.reverseRange(undefined, 'a')]).toEqual([a])
    expect([...store.prefixScan('b')]).toEqual([b])
    expect(store.approximateNumEntries()).toBe(2)
    expect(driver.store<string, number>('counts').get('a')).toBe(1)
  })

  it('windows, sessions, versions and a global table', () => {
    const { topology, perMinute, visits, prices, names } = everyKind()
    using driver = new TopologyTestDriver(topology)
    const input = driver.createInputTopic('in', text)
    for (const timestamp of [0, 500, 61_000]) input.pipeInput('k', 'x', { timestamp })
    driver.createInputTopic('names', text).pipeInput('k', 'Ada')
    const price = driver.createInputTopic('prices', text)
    price.pipeInput('k', 'cheap', { timestamp: 10 })
    price.pipeInput('k', 'dear', { timestamp: 20 })

    const windows = driver.windowStore(perMinute)
    const count: number | undefined = windows.fetch('k', 0)
    expect([count, windows.fetch('k', 60_000), windows.fetch('k', 1)]).toEqual([2, 1, undefined])
    const starts = [
      [0, 2],
      [60_000, 1],
    ]
    expect([...windows.fetch('k', {})]).toEqual(starts)
    expect([...windows.backwardFetch('k', {})]).toEqual(starts.toReversed())
    const rows = starts.map(([startMs, value]) => [
      { key: 'k', window: { startMs, endMs: startMs! + 60_000 } },
      value,
    ])
    for (const forward of [windows.all(), windows.fetchAll({}), windows.fetchRange({}, {})]) {
      expect([...forward]).toEqual(rows)
    }
    const { backwardAll, backwardFetchAll, backwardFetchRange } = {
      backwardAll: windows.backwardAll(),
      backwardFetchAll: windows.backwardFetchAll({}),
      backwardFetchRange: windows.backwardFetchRange({}, {}),
    }
    for (const backward of [backwardAll, backwardFetchAll, backwardFetchRange]) {
      expect([...backward]).toEqual(rows.toReversed())
    }

    const sessions: (readonly [unknown, number])[] = [...driver.sessionStore(visits).fetch('k')]
    expect(sessions.map(([, value]) => value)).toEqual([2, 1])
    const version: string | undefined = driver.versionedStore(prices).getAsOf('k', 15)?.value
    expect([version, driver.versionedStore(prices).get('k')?.value]).toEqual(['cheap', 'dear'])
    expect(driver.store(names).get('k')).toBe('Ada')
  })

  it('refuses another kind of store, a table without a store, and an unknown name', () => {
    const { topology, counts, perMinute, unnamed } = everyKind()
    using driver = new TopologyTestDriver(topology)
    const refused = expect.objectContaining({ code: 'STORE_NOT_READABLE' })
    expect(() => driver.store('per-minute')).toThrow(refused)
    expect(() => driver.windowStore('counts')).toThrow(refused)
    expect(() => driver.sessionStore(perMinute)).toThrow(refused)
    expect(() => driver.versionedStore(counts)).toThrow(refused)
    expect(() => driver.store(unnamed)).toThrow(expect.objectContaining({ code: 'STORE_NOT_NAMED' }))
    expect(() => driver.store('nope')).toThrow(expect.objectContaining({ code: 'UNKNOWN_STORE' }))
    // @ts-expect-error values of this table are numbers
    const wrong: string | undefined = driver.store(counts).get('a')
    expect(wrong).toBeUndefined()
    expect(driver.store('own').get('a')).toBeUndefined()
  })
})
