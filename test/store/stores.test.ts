import { describe, expect, test } from 'vitest'
import { utf8 } from '../../lib/common/bytes.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Engine } from '../../lib/store/engine/engine.ts'
import { WriteBatch } from '../../lib/store/engine/write-batch.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import { readOnlyView } from '../../lib/store/views/read-only-view.ts'
import { storeMetadataKey, storePrefix, storeRange } from '../../lib/store/contract/store-name.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { StoreHarness } from './store-harness.ts'

const string = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Counts what passes through a serde. */
function counting<T>(serde: Serde<T>) {
  const calls = { serialize: 0, deserialize: 0 }
  const counted: Serde<T> = {
    ...serde,
    ...(serde.roundTrips && { roundTrips: serde.roundTrips }),
    serialize(value, context) {
      calls.serialize += 1
      return serde.serialize(value, context)
    },
    serializeTransient(value, context) {
      calls.serialize += 1
      return serde.serializeTransient!(value, context)
    },
    deserialize(bytes, context) {
      calls.deserialize += 1
      return serde.deserialize(bytes, context)
    },
  }
  return { calls, serde: counted }
}

function countingReads(engine: Engine): { engine: Engine; reads: () => number } {
  let reads = 0
  const counted = Object.create(engine) as Engine
  counted.get = key => {
    reads += 1
    return engine.get(key)
  }
  counted.entries = range => engine.entries(range)
  counted.write = batch => engine.write(batch)
  return { engine: counted, reads: () => reads }
}

describe('stores: builders', () => {
  test('tell the topology what they need', () => {
    const builder = stores.keyValueStore({ name: 's', logging: { config: { 'segment.bytes': '1' } } })
    expect(builder).toMatchObject({
      name: 's',
      persistent: true,
      caching: false,
      changelog: { cleanupPolicy: 'compact', config: { 'segment.bytes': '1' } },
    })
    const other = stores.timestampedKeyValueStore({
      name: 's',
      persistent: false,
      caching: true,
      logging: false,
    })
    expect(other).toMatchObject({ persistent: false, caching: true, changelog: undefined })
  })

  test.each(['', 'a/b', 'a b', 'a\0', '..', 'x'.repeat(201)])('refuse the name %j', name => {
    expect(() => stores.keyValueStore({ name })).toThrow(
      expect.objectContaining({ code: 'INVALID_STORE_NAME' }),
    )
  })

  test('build a store of its own for every task', () => {
    const builder = stores.keyValueStore({ name: 's' })
    expect(builder.build()).not.toBe(builder.build())
  })
})

describe('stores: serdes', () => {
  test('those left out are the application’s', async () => {
    const builder = stores.keyValueStore<string, number>({ name: 's' })
    const defaults = { defaultKeySerde: serdes.string(), defaultValueSerde: serdes.int64() } as never
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine(), defaults })
    h.store.put('a', 1)
    await h.commit()
    expect(h.changelog[0]).toMatchObject({
      key: Buffer.from('a'),
      value: Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]),
    })
  })

  test('none at all is an error that names the store and the settings', async () => {
    const builder = stores.keyValueStore({ name: 'orders', keySerde: serdes.string() })
    await expect(StoreHarness.open(builder, { engine: openMemoryEngine() })).rejects.toMatchObject({
      code: 'SERDE_MISSING',
      message: expect.stringMatching(/"orders".*valueSerde.*defaultValueSerde/),
    })
  })

  test('a value that cannot be written leaves the store as it was, whatever comes after', async () => {
    const builder = stores.timestampedKeyValueStore({
      name: 's',
      keySerde: serdes.string(),
      valueSerde: serdes.int64(),
    })
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine() })
    expect(() => h.store.put('a', { value: 0.5, timestamp: 1 })).toThrow(
      expect.objectContaining({ code: 'SERDE_TYPE' }),
    )
    expect(h.store.get('a')).toBeUndefined()
    await h.commit()
    expect(h.changelog).toEqual([])
  })

  test('keys that are one when serialised are one key', async () => {
    const folding: Serde<string> = {
      name: 'folding',
      serialize: text => utf8(text.toLowerCase()),
      deserialize: bytes => serdes.string().deserialize(bytes, { topic: '' }),
    }
    const builder = stores.keyValueStore({ name: 's', keySerde: folding, valueSerde: serdes.string() })
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine() })
    h.store.put('A', '1')
    expect(h.store.get('a')).toBe('1')
    h.store.put('a', '2')
    expect(h.store.get('A')).toBe('2')
  })

  test('zero and minus zero are two keys to a serde of floats, and a lone surrogate is its replacement', async () => {
    const floats = stores.keyValueStore({
      name: 'f',
      keySerde: serdes.float64(),
      valueSerde: serdes.string(),
    })
    const f = await StoreHarness.open(floats, { engine: openMemoryEngine() })
    f.store.put(0, 'zero')
    f.store.put(-0, 'minus zero')
    expect([f.store.get(0), f.store.get(-0)]).toEqual(['zero', 'minus zero'])
    const texts = await StoreHarness.open(stores.keyValueStore({ name: 't', ...string }), {
      engine: openMemoryEngine(),
    })
    texts.store.put('\ud800', 'x\ud800')
    expect(texts.store.get('\ufffd')).toBe('x\ufffd')
  })
})

describe('stores: a hot key', () => {
  test('costs neither serde nor engine between commits', async () => {
    const keys = counting(serdes.string())
    const values = counting(serdes.int64())
    const { engine, reads } = countingReads(openMemoryEngine())
    const builder = stores.timestampedKeyValueStore({
      name: 's',
      keySerde: keys.serde,
      valueSerde: values.serde,
      ranges: false,
    })
    const h = await StoreHarness.open(builder, { engine })
    h.store.put('other', { value: 0, timestamp: 0 })
    await h.commit()
    await h.abort()
    for (const calls of [keys.calls, values.calls]) Object.assign(calls, { serialize: 0, deserialize: 0 })
    const before = reads()
    for (let n = 0; n < 100; n += 1) {
      const value = h.store.get(`${'ho'}${'t'}`)?.value ?? 0
      h.store.put('hot', { value: value + 1, timestamp: n })
    }
    expect(keys.calls).toEqual({ serialize: 1, deserialize: 0 })
    expect(values.calls).toEqual({ serialize: 0, deserialize: 0 })
    expect(reads() - before).toBe(1)
    await h.commit()
    expect(values.calls.serialize).toBe(1)
    expect(h.store.get('hot')).toEqual({ value: 100, timestamp: 99 })
  })

  test('pairs are the caller’s: changing one changes nothing', async () => {
    const builder = stores.timestampedKeyValueStore({
      name: 's',
      keySerde: serdes.string(),
      valueSerde: serdes.int64(),
    })
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine() })
    const pair = { value: 1, timestamp: 1 }
    h.store.put('a', pair)
    pair.value = 2
    ;(h.store.get('a') as typeof pair).value = 3
    expect(h.store.get('a')).toEqual({ value: 1, timestamp: 1 })
  })
})

describe('stores: ranges: false', () => {
  const builder = stores.keyValueStore({ name: 'table', ...string, ranges: false })

  test('range calls are errors that name the store and the option', async () => {
    const { store } = await StoreHarness.open(builder, { engine: openMemoryEngine() })
    const calls = [
      () => store.all(),
      () => store.reverseAll(),
      () => store.range('a', 'b'),
      () => store.reverseRange('a', 'b'),
      () => store.prefixScan('a'),
    ]
    for (const call of calls) {
      expect(call).toThrow(
        expect.objectContaining({
          code: 'RANGES_DISABLED',
          message: expect.stringMatching(/"table".*ranges: true/),
        }),
      )
    }
  })

  test('ranges from outside work all the same', async () => {
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine() })
    h.store.put('a', '1')
    await h.commit()
    h.store.put('b', '2')
    const found: string[] = []
    const view = readOnlyView<string, string>(h.store, { isolation: 'latest' })
    for await (const [key] of view.range(undefined, 'b')) found.push(key)
    expect(found).toEqual(['a', 'b'])
  })

  test('approximateNumEntries counts across restarts, writes without reads and restores', async () => {
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine() })
    for (let n = 0; n < 100; n += 1) h.store.put(`k${n % 50}`, 'x')
    h.store.delete('k0')
    await h.commit()
    await h.abort()
    expect(h.store.approximateNumEntries()).toBe(49)
    h.store.put('k1', 'y')
    h.store.put('new', 'y')
    const record = (key: string, value: string | null) => ({
      key: utf8(key),
      value: value === null ? null : utf8(value),
      timestamp: 0,
      headers: [],
    })
    await h.restore([record('k2', null), record('k3', 'z'), record('k99', 'z'), record('k99', 'z')])
    expect(h.store.approximateNumEntries()).toBe(50)
  })

  test('approximateNumEntries stays near the truth where only samples are looked up', async () => {
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine(), readCacheBytesMax: 0 })
    for (const round of [1, 2]) {
      for (let n = 0; n < 20_000; n += 1) h.store.put(`k${n}`, String(round))
      await h.commit()
    }
    expect(Math.abs(h.store.approximateNumEntries() - 20_000)).toBeLessThan(500)
  })
})

const record = (key: string, value: string | null) => ({
  key: utf8(key),
  value: value === null ? null : utf8(value),
  timestamp: 0,
  headers: [],
})

describe('stores: restored writes', () => {
  const builder = stores.keyValueStore({ name: 's', ...string, ranges: false })

  test('approximateNumEntries stays near the truth, keys that come again and those that go included', async () => {
    const engine = openMemoryEngine()
    const h = await StoreHarness.open(builder, { engine })
    for (let n = 0; n < 100_000; n += 1000) {
      const keys = Array.from({ length: 1000 }, (_, at) => `key-${n + at}`)
      h.store.restore(keys.map(key => record(key, '1')))
      // Again in the same batch, then in one while that is on its way; every second one goes.
      h.store.restore(keys.map(key => record(key, '2')))
      const batches = [new WriteBatch(), new WriteBatch()]
      h.store.stage(batches[0]!)
      h.store.restore(keys.map((key, at) => record(key, at % 2 === 0 ? null : '3')))
      await engine.write(batches[0]!)
      h.store.staged()
      h.store.stage(batches[1]!)
      await engine.write(batches[1]!)
      h.store.staged()
    }
    expect(Math.abs(h.store.approximateNumEntries() - 50_000)).toBeLessThan(5000)
  })

  test('are read before they are in the engine, the last one of a key, whatever batch it is in', async () => {
    const engine = openMemoryEngine()
    const h = await StoreHarness.open(builder, { engine })
    h.store.put('old', 'x')
    await h.commit()
    await h.abort()
    const batches = [new WriteBatch(), new WriteBatch()]
    h.store.restore([record('a', '1'), record('a', '2'), record('b', '1'), record('old', null)])
    h.store.stage(batches[0]!)
    h.store.restore([record('b', '2'), record('c', '1')])
    h.store.stage(batches[1]!)
    h.store.restore([record('c', null), record('d', '1')])
    const read = () => ['a', 'b', 'c', 'd', 'old'].map(key => h.store.get(key))
    expect(read()).toEqual(['2', '2', undefined, '1', undefined])
    for (const batch of batches) {
      await engine.write(batch)
      h.store.staged()
    }
    await h.restore([])
    await h.abort()
    expect(read()).toEqual(['2', '2', undefined, '1', undefined])
  })

  test('of one batch are each their own, though rows are made in the same memory', async () => {
    const timestamped = stores.timestampedKeyValueStore({ name: 't', ...string })
    const h = await StoreHarness.open(timestamped, { engine: openMemoryEngine() })
    h.store.restore([record('a', 'one'), record('b', 'two'), record('c', 'six')])
    const read = () => ['a', 'b', 'c'].map(key => h.store.get(key)?.value)
    expect(read()).toEqual(['one', 'two', 'six'])
    await h.restore([])
    await h.abort()
    expect(read()).toEqual(['one', 'two', 'six'])
  })

  test('change what is in memory of their key, and make no entries', async () => {
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine() })
    h.store.put('a', 'mine')
    await h.commit()
    const before = h.metrics.total('store-cache-bytes')
    await h.restore([record('a', 'r'), ...Array.from({ length: 100 }, (_, n) => record(`k${n}`, 'r'))])
    expect(h.metrics.total('store-cache-bytes')).toBeLessThan(before + 200)
    expect(h.store.get('a')).toBe('r')
    expect(h.store.get('k99')).toBe('r')
  })
})

describe('stores: the read cache', () => {
  test('keeps to its bytes, counts evictions, and what left is read again', async () => {
    const builder = stores.keyValueStore({ name: 's', ...string, ranges: false })
    const h = await StoreHarness.open(builder, { engine: openMemoryEngine(), readCacheBytesMax: 10_000 })
    for (let n = 0; n < 1000; n += 1) h.store.put(`k${n}`, `v${n}`)
    expect(h.metrics.total('store-cache-evictions-total')).toBe(0)
    await h.commit()
    expect(h.metrics.total('store-cache-bytes')).toBeLessThanOrEqual(10_000)
    expect(h.metrics.total('store-cache-evictions-total')).toBeGreaterThan(900)
    for (let n = 0; n < 1000; n += 1) expect(h.store.get(`k${n}`)).toBe(`v${n}`)
    expect(h.metrics.total('store-cache-bytes')).toBeLessThanOrEqual(10_000)
  })

  test('a store that began empty asks the engine for nothing until a key has left', async () => {
    const { engine, reads } = countingReads(openMemoryEngine())
    const builder = stores.keyValueStore({ name: 's', ...string, ranges: false })
    const h = await StoreHarness.open(builder, { engine, readCacheBytesMax: 10_000 })
    const before = reads()
    for (let n = 0; n < 100; n += 1) {
      expect(h.store.get(`k${n}`)).toBeUndefined()
      h.store.put(`k${n}`, 'x')
    }
    expect(reads()).toBe(before)
    await h.commit()
    expect(h.metrics.total('store-cache-evictions-total')).toBeGreaterThan(0)
    for (let n = 0; n < 100; n += 1) expect(h.store.get(`k${n}`)).toBe('x')
    expect(reads()).toBeGreaterThan(before)
  })

  test('what a restore brings, or was there before, is asked for', async () => {
    const { engine, reads } = countingReads(openMemoryEngine())
    const builder = stores.keyValueStore({ name: 's', ...string, ranges: false })
    const h = await StoreHarness.open(builder, { engine })
    const record = { key: utf8('restored'), value: utf8('1'), timestamp: 0, headers: [] }
    h.store.restore([record])
    expect(h.store.get('restored')).toBe('1')
    await h.commit()
    await h.abort()
    const before = reads()
    expect(h.store.get('restored')).toBe('1')
    expect(reads()).toBe(before + 1)
  })

  test('a key in use stays while others pass', async () => {
    const { engine, reads } = countingReads(openMemoryEngine())
    const builder = stores.keyValueStore({ name: 's', ...string, ranges: false })
    const h = await StoreHarness.open(builder, { engine, readCacheBytesMax: 10_000 })
    for (let n = 0; n < 500; n += 1) h.store.put(`k${n}`, 'x')
    await h.commit()
    h.store.get('k0')
    const before = reads()
    for (let n = 1; n < 400; n += 1) {
      h.store.get(`k${n}`)
      h.store.get('k0')
    }
    expect(reads() - before).toBeLessThanOrEqual(400)
  })
})

describe('stores: many in one engine', () => {
  test('keep apart, and what one of them owns can be wiped', async () => {
    const engine = openMemoryEngine()
    const names = ['a', 'a.b', 'ab', 'A']
    for (const name of names) {
      const h = await StoreHarness.open(stores.keyValueStore({ name, ...string }), { engine })
      h.store.put('key', name)
      await h.commit()
    }
    await engine.clear(storeRange('a'))
    expect(engine.get(storeMetadataKey('a'))).toBeUndefined()
    const left: string[] = []
    for (const name of names) {
      const h = await StoreHarness.open(stores.keyValueStore({ name, ...string }), { engine })
      left.push(...Array.from(h.store.all(), ([, value]) => value))
    }
    expect(left).toEqual(['a.b', 'ab', 'A'])
  })

  test('no prefix begins another, nor the runtime’s own keys', () => {
    const prefixes = ['a', 'a-', 'a.b', 'ab', 'A'].flatMap(name => [
      storePrefix(name),
      storeMetadataKey(name),
    ])
    for (const one of prefixes) {
      expect(one[0]).not.toBe(0)
      for (const other of prefixes) {
        if (one !== other) expect(Buffer.from(other).indexOf(one)).not.toBe(0)
      }
    }
  })
})

describe('stores: without a changelog', () => {
  test('a global store, or one with logging: false, commits without sending', async () => {
    const h = await StoreHarness.open(stores.keyValueStore({ name: 's', ...string }), {
      engine: openMemoryEngine(),
      logged: false,
      coalescing: false,
    })
    h.store.put('a', '1')
    await h.commit()
    await h.abort()
    expect(h.store.get('a')).toBe('1')
  })

  test('a value in the timestamped layout of Kafka Streams: eight bytes of time, then the value', async () => {
    const engine = openMemoryEngine()
    const h = await StoreHarness.open(stores.timestampedKeyValueStore({ name: 's', ...string }), { engine })
    h.store.put('a', { value: 'x', timestamp: 2 ** 40 + 1 })
    await h.commit()
    const bytes = engine.get(Buffer.concat([storePrefix('s'), utf8('a')]))
    expect([...bytes!]).toEqual([0, 0, 1, 0, 0, 0, 0, 1, 0x78])
  })
})
