import { describe, expect, test } from 'vitest'
import { NO_HEADERS } from '../../lib/common/headers.ts'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import type { ChangelogRecord } from '../../lib/store/contract/state-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { StoreHarness } from './store-harness.ts'

const OPTIONS = {
  name: 'recent',
  keySerde: serdes.string(),
  valueSerde: serdes.string(),
  entriesMax: 2,
} as const

function record(key: string, value: string | null): ChangelogRecord {
  return { key: utf8(key), value: value === null ? null : utf8(value), timestamp: 1, headers: NO_HEADERS }
}

function keysOf(records: readonly ChangelogRecord[]): string[] {
  return records.map(({ key, value }) => `${utf8Text(key!)}${value === null ? '-' : '+'}`)
}

describe('LRU map', () => {
  test('forgets the key that was neither read nor written for longest', async () => {
    const h = await StoreHarness.open(stores.lruMap(OPTIONS), { engine: openMemoryEngine() })
    h.store.put('a', '1')
    h.store.put('b', '1')
    h.store.get('a')
    h.store.put('c', '1')
    expect(['a', 'b', 'c'].map(key => h.store.get(key))).toEqual(['1', undefined, '1'])
    expect(h.store.approximateNumEntries()).toBe(2)
  })

  test('a deletion makes room; writing a key that is there evicts nobody', async () => {
    const h = await StoreHarness.open(stores.lruMap(OPTIONS), { engine: openMemoryEngine() })
    h.store.put('a', '1')
    h.store.put('b', '1')
    h.store.put('b', '2')
    h.store.delete('a')
    h.store.put('c', '1')
    expect([...h.store.all()]).toEqual([
      ['b', '2'],
      ['c', '1'],
    ])
  })

  test.each([
    { timestamped: false, coalescing: false, logged: ['a+', 'b+', 'a-', 'c+'] },
    { timestamped: true, coalescing: false, logged: ['a+', 'b+', 'c+'] },
    { timestamped: false, coalescing: true, logged: ['a+', 'b+', 'a-', 'c+'] },
    { timestamped: true, coalescing: true, logged: ['a+', 'b+', 'a-', 'c+'] },
  ])(
    'what is logged of an eviction (timestamped: $timestamped, coalescing: $coalescing)',
    async ({ timestamped, coalescing, logged }) => {
      const options = { engine: openMemoryEngine(), coalescing }
      const h = timestamped
        ? await StoreHarness.open(stores.timestampedLruMap(OPTIONS), options)
        : await StoreHarness.open(stores.lruMap(OPTIONS), options)
      for (const key of ['a', 'b', 'c']) {
        h.store.put(key, (timestamped ? { value: '1', timestamp: 1 } : '1') as never)
        await h.commit()
      }
      expect(keysOf(h.changelog)).toEqual(logged)
    },
  )

  test('an abort brings evicted keys back', async () => {
    const h = await StoreHarness.open(stores.lruMap(OPTIONS), { engine: openMemoryEngine() })
    h.store.put('a', '1')
    h.store.put('b', '1')
    await h.commit()
    h.store.put('c', '1')
    h.store.put('d', '1')
    await h.abort()
    expect([...h.store.all()].map(([key]) => key)).toEqual(['a', 'b'])
    h.store.put('c', '1')
    expect(h.store.approximateNumEntries()).toBe(2)
  })

  test('a restore keeps what came last, in the order of the changelog, evicted keys that come again included', async () => {
    const h = await StoreHarness.open(stores.timestampedLruMap(OPTIONS), { engine: openMemoryEngine() })
    const records = [
      record('a', '1'),
      record('b', '2'),
      record('c', '3'),
      record('a', '4'),
      record('x', null),
    ]
    await h.restore(records)
    expect([...h.store.all()].map(([key, pair]) => `${key}${pair.value}`)).toEqual(['a4', 'c3'])
    await h.restore([record('c', null), record('d', '5'), record('e', '6')])
    await h.abort()
    expect([...h.store.all()].map(([key]) => key)).toEqual(['d', 'e'])
  })

  test('entriesMax must be a whole number of at least 1', () => {
    expect(() => stores.lruMap({ ...OPTIONS, entriesMax: 0 })).toThrow(/entriesMax is 0/)
  })
})
