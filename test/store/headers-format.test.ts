import { describe, expect, test } from 'vitest'
import { utf8 } from '../../lib/common/bytes.ts'
import type { Header } from '../../lib/common/headers.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { StoreHarness } from './store-harness.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const HEADERS: readonly Header[] = [
  { key: 'trace', value: utf8('7') },
  { key: 'trace', value: null },
  { key: '', value: new Uint8Array(0) },
]

function builder(keepHeaders: boolean) {
  return stores.timestampedKeyValueStore<string, string>({ name: 'rows', ...TEXT, keepHeaders })
}

function plain(headers: readonly Header[] | undefined) {
  return headers?.map(({ key, value }) => [key, value && Buffer.from(value).toString()])
}

describe('stores that keep headers', () => {
  test('a value comes with the headers of the record that wrote it, before and after the commit', async () => {
    const h = await StoreHarness.open(builder(true), { engine: openMemoryEngine() })
    h.at(5, HEADERS).store.put('a', { value: 'x', timestamp: 5 })
    h.at(6).store.put('b', { value: 'y', timestamp: 6 })
    const check = () => {
      expect(plain(h.store.get('a')?.headers)).toEqual(plain(HEADERS))
      expect(h.store.get('b')).toEqual({ value: 'y', timestamp: 6 })
    }
    check()
    await h.commit()
    await h.abort()
    check()
    expect([...h.store.all()].map(([, pair]) => pair.value)).toEqual(['x', 'y'])
  })

  test('the changelog has them as headers, and gives them back', async () => {
    const h = await StoreHarness.open(builder(true), { engine: openMemoryEngine() })
    h.at(5, HEADERS).store.put('a', { value: 'x', timestamp: 5 })
    await h.commit()
    const [record] = h.changelog
    expect([Buffer.from(record!.value!).toString(), plain(record!.headers)]).toEqual(['x', plain(HEADERS)])
    const other = await StoreHarness.open(builder(true), { engine: openMemoryEngine() })
    await other.restore(h.changelog)
    expect(plain(other.store.get('a')?.headers)).toEqual(plain(HEADERS))
  })

  test('a store may change over to keeping headers, and back', async () => {
    const engine = openMemoryEngine()
    const before = await StoreHarness.open(builder(false), { engine })
    before.at(1, HEADERS).store.put('a', { value: 'plain', timestamp: 1 })
    await before.commit()
    expect(before.changelog[0]?.headers).toEqual([])
    const keeping = await StoreHarness.open(builder(true), { engine })
    expect(keeping.store.get('a')).toEqual({ value: 'plain', timestamp: 1 })
    keeping.at(2, HEADERS).store.put('b', { value: 'kept', timestamp: Number.MAX_SAFE_INTEGER })
    await keeping.commit()
    const after = await StoreHarness.open(builder(false), { engine })
    expect(after.store.get('b')).toEqual({ value: 'kept', timestamp: Number.MAX_SAFE_INTEGER })
    expect([...after.store.all()]).toHaveLength(2)
  })

  test.each(['headers', 'default'] as const)('dslStoreFormat %s: tables and windowed aggregates', format => {
    const app = new StreamsBuilder()
    app.table<string, string>('rows', { ...TEXT, storeName: 'rows' })
    app
      .stream<string, string>('in', TEXT)
      .groupByKey()
      .windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 }))
      .count({ storeName: 'counts' })
    using driver = new TopologyTestDriver(app.build(), {
      config: { dslStoreFormat: format, cacheBytesMax: 0 },
    })
    driver.createInputTopic('rows', TEXT).pipeInput('a', 'x', { timestamp: 1, headers: HEADERS })
    driver.createInputTopic('in', TEXT).pipeInput('a', 'x', { timestamp: 1, headers: HEADERS })
    const kept = format === 'headers' ? plain(HEADERS) : undefined
    expect(plain(driver.getTimestampedKeyValueStore<string, string>('rows').get('a')?.headers)).toEqual(kept)
    const sent = driver.producedRecords('test-application-counts-changelog')
    expect(plain(sent[0]?.headers)).toEqual(kept ?? [])
  })
})
