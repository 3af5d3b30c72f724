import { expect, test } from 'vitest'
import { utf8Text } from '../../lib/common/bytes.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import type { ValueAndTimestamp } from '../../lib/store/contract/key-value-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { StoreHarness } from './store-harness.ts'

type Pair = ValueAndTimestamp<number>

interface CachingOptions {
  readonly cacheBytesMax?: number
  readonly sendOldValues?: boolean
  readonly coalescing?: boolean
}

async function caching(options: CachingOptions = {}) {
  const builder = stores.timestampedKeyValueStore({
    name: 'table',
    keySerde: serdes.string(),
    valueSerde: serdes.int64(),
    caching: true,
  })
  const { cacheBytesMax = 100_000, sendOldValues = true, coalescing = true } = options
  const h = await StoreHarness.open(builder, { engine: openMemoryEngine(), cacheBytesMax, coalescing })
  const told: string[] = []
  const cached = h.store.setFlushListener(
    (key, newValue, oldValue, timestamp) => {
      const { offset } = h.recordContext()
      told.push(`${key}: ${show(oldValue)} -> ${show(newValue)} @${timestamp} offset ${offset}`)
    },
    { sendOldValues },
  )
  const put = (key: string, value: number | null, time: number) =>
    h.at(time).store.put(key, value === null ? null : { value, timestamp: time })
  return { h, told, cached, put, take: () => told.splice(0) }
}

function show(pair: Pair | undefined): string {
  return pair === undefined ? 'none' : `${pair.value}/${pair.timestamp}`
}

test('caching: changes of a key are told once, at the flush, under the context of the last write', async () => {
  const { h, told, cached, put } = await caching()
  expect(cached).toBe(true)
  put('a', 1, 10)
  put('a', 2, 20)
  put('a', 3, 15)
  expect(told).toEqual([])
  expect(h.store.get('a')).toEqual({ value: 3, timestamp: 15 })
  h.at(99)
  h.store.flush()
  expect(told).toEqual(['a: none -> 3/15 @15 offset 3'])
  expect(h.recordContext().timestamp).toBe(99)
  h.store.flush()
  expect(told).toHaveLength(1)
})

test('caching: the old value is the one told last, also after a commit', async () => {
  const { h, put, take } = await caching()
  put('a', 1, 1)
  h.store.flush()
  put('a', 2, 2)
  put('a', 3, 3)
  await h.commit()
  put('a', null, 4)
  await h.commit()
  expect(take()).toEqual([
    'a: none -> 1/1 @1 offset 1',
    'a: 1/1 -> 3/3 @3 offset 3',
    'a: 3/3 -> none @4 offset 4',
  ])
})

test('caching: without sendOldValues no old value is told, a deletion all the same', async () => {
  const { h, put, take } = await caching({ sendOldValues: false })
  put('a', 1, 1)
  await h.commit()
  put('a', 2, 2)
  h.store.flush()
  put('a', null, 3)
  h.store.flush()
  expect(take().map(line => line.split(' @')[0])).toEqual([
    'a: none -> 1/1',
    'a: none -> 2/2',
    'a: none -> none',
  ])
})

test('caching: a key that came and went between two flushes is neither told nor logged', async () => {
  const { h, told, put } = await caching()
  put('a', 1, 1)
  put('a', null, 2)
  put('b', null, 3)
  await h.commit()
  expect(told).toEqual([])
  expect(h.changelog).toEqual([])
  expect(h.store.uncommittedBytes).toBe(0)
})

test('caching: a key written again goes to the end of the flush order', async () => {
  const { h, told, put } = await caching()
  for (const key of ['a', 'b', 'c', 'a']) put(key, 1, 1)
  h.store.flush()
  expect(told.map(line => line[0])).toEqual(['b', 'c', 'a'])
})

test('caching: passing cacheBytesMax flushes everything held', async () => {
  const { h, told, put } = await caching({ cacheBytesMax: 150 })
  put('a', 1, 1)
  put('b', 1, 1)
  expect(told).toEqual([])
  put('c', 1, 1)
  expect(told.map(line => line[0])).toEqual(['a', 'b', 'c'])
  put('d', 1, 1)
  expect(told).toHaveLength(3)
  await h.commit()
  expect(told).toHaveLength(4)
})

test('caching: a cache of no bytes holds nothing back', async () => {
  const { h, told, cached, put } = await caching({ cacheBytesMax: 0 })
  expect(cached).toBe(false)
  put('a', 1, 1)
  h.store.flush()
  expect(told).toEqual([])
  await h.commit()
  expect(h.changelog).toHaveLength(1)
})

test('caching without coalescing: the changelog is written at the flush, in its order, before the listener is told', async () => {
  const { h, told, put } = await caching({ coalescing: false })
  put('a', 1, 1)
  put('b', 1, 2)
  put('a', 2, 3)
  expect(h.changelog).toEqual([])
  h.store.flush()
  expect(h.changelog.map(({ key, timestamp }) => `${utf8Text(key!)}@${timestamp}`)).toEqual(['b@2', 'a@3'])
  expect(told).toHaveLength(2)
  h.store.prepareCommit()
  expect(h.changelog).toHaveLength(2)
})

test('caching: what a listener writes to the store itself is told in the same flush', async () => {
  const { h } = await caching()
  const told: string[] = []
  h.store.setFlushListener(
    (key, newValue) => {
      told.push(`${key}=${newValue?.value}`)
      if (key === 'a') h.store.put('b', { value: 9, timestamp: 9 })
      if (key === 'b' && newValue?.value === 9) h.store.put('c', { value: 8, timestamp: 9 })
    },
    { sendOldValues: true },
  )
  h.store.put('a', { value: 1, timestamp: 1 })
  h.store.put('b', { value: 1, timestamp: 1 })
  h.flushAndPrepare()
  expect(told).toEqual(['a=1', 'b=9', 'c=8'])
})

test('caching: a commit that forgot the flush is a bug and says so', async () => {
  const { h, put } = await caching()
  put('a', 1, 1)
  expect(() => h.store.prepareCommit()).toThrow(/flush comes before prepareCommit/)
})

test('caching: a listener that fails takes its record context with it', async () => {
  const { h, put } = await caching()
  h.store.setFlushListener(
    () => {
      throw new Error('downstream')
    },
    { sendOldValues: false },
  )
  put('a', 1, 1)
  h.at(50)
  expect(() => h.store.flush()).toThrow('downstream')
  expect(h.recordContext().timestamp).toBe(50)
})

test('caching: a key is told as its serde reads it back, not as it was written', async () => {
  const { h, told, put } = await caching()
  put('lone \ud800', 1, 10)
  h.store.flush()
  expect(told).toEqual(['lone \ufffd: none -> 1/10 @10 offset 1'])
})

test('caching: without old values, what came and went between two flushes is not told, what was there is', async () => {
  const { h, put, take } = await caching({ sendOldValues: false })
  put('a', 1, 10)
  put('a', null, 20)
  put('b', 1, 30)
  h.store.flush()
  expect(take()).toEqual(['b: none -> 1/30 @30 offset 3'])
  put('b', null, 40)
  h.store.flush()
  expect(take()).toEqual(['b: none -> none @40 offset 4'])
})

test('caching: keys written again thousands of times stay in order, with the context of their last write', async () => {
  const { h, told, put } = await caching()
  for (let time = 1; time <= 5_000; time += 1) put(['a', 'b', 'c'][time % 3]!, time, time)
  put('a', 0, 6_000)
  h.store.flush()
  expect(told).toEqual([
    'b: none -> 4999/4999 @4999 offset 4999',
    'c: none -> 5000/5000 @5000 offset 5000',
    'a: none -> 0/6000 @6000 offset 5001',
  ])
})

test('caching: what a listener writes to a key whose turn is still to come is told at that turn', async () => {
  const { h, put } = await caching()
  const told: string[] = []
  h.store.setFlushListener(
    (key, newValue) => {
      told.push(`${key}: ${newValue?.value} offset ${h.recordContext().offset}`)
      if (key === 'a') h.store.put('c', { value: 30, timestamp: 3 })
    },
    { sendOldValues: false },
  )
  for (const key of ['a', 'b', 'c', 'd']) put(key, 1, 1)
  h.store.flush()
  // The third is told once, under the record during whose flush it was written: that of the first.
  expect(told).toEqual(['a: 1 offset 1', 'b: 1 offset 2', 'c: 30 offset 1', 'd: 1 offset 4'])
})
