import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Engine } from '../../lib/store/engine/engine.ts'
import type {
  CachedStore,
  KeyValueStore,
  ValueAndTimestamp,
} from '../../lib/store/contract/key-value-store.ts'
import { readOnlyView } from '../../lib/store/views/read-only-view.ts'
import type { ChangelogRecord, StoreBuilder } from '../../lib/store/contract/state-store.ts'
import { storePrefix } from '../../lib/store/contract/store-name.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { StoreHarness } from '../store/store-harness.ts'
import { WriteBatch } from '../../lib/store/engine/write-batch.ts'

export interface KeyValueSubject {
  readonly engine: 'memory' | 'level'
  openEngine(): Promise<{ engine: Engine; dispose(): Promise<void> }>
  readonly caching: boolean
  readonly coalescing: boolean
  readonly timestamped: boolean
  /** So small that hardly anything clean stays in memory, or undefined. */
  readonly readCacheBytesMax?: number
}

type Value = number | string | { readonly list: number[] }
type Store = KeyValueStore<string, Value> & CachedStore<string, Value>

/**
 * What every key-value store does, whichever layers are on. Values are told apart from their pairs by an
 * adapter.
 */
export function keyValueStoreSuite(subject: KeyValueSubject): void {
  const disposals: (() => Promise<void>)[] = []

  async function fresh(): Promise<StoreHarness<Store>> {
    const { engine, dispose } = await subject.openEngine()
    disposals.push(dispose)
    return open(subject, engine)
  }

  afterEach(async () => {
    for (const dispose of disposals.splice(0)) await dispose()
  })

  describe(title(subject), () => {
    test('get: what was put, before and after the commit; undefined for what was deleted or never there', async () => {
      const h = await fresh()
      h.at(5).store.put('a', 1)
      h.store.put('b', 2)
      expect([h.store.get('a'), h.store.get('b'), h.store.get('c')]).toEqual([1, 2, undefined])
      await h.commit()
      h.store.put('b', null)
      expect([h.store.get('a'), h.store.get('b')]).toEqual([1, undefined])
      await h.commit()
      await h.abort()
      expect([h.store.get('a'), h.store.get('b')]).toEqual([1, undefined])
    })

    test('putIfAbsent, putAll and delete say what was there', async () => {
      const h = await fresh()
      expect(h.store.putIfAbsent('a', 1)).toBeUndefined()
      expect(h.store.putIfAbsent('a', 2)).toBe(1)
      h.store.putAll([
        ['a', 3],
        ['b', 4],
        ['b', null],
      ])
      expect(h.store.get('b')).toBeUndefined()
      expect(h.store.delete('a')).toBe(3)
      expect(h.store.delete('a')).toBeUndefined()
    })

    test('put: undefined and missing keys are misuse', async () => {
      const h = await fresh()
      expect(() => h.store.put(null as never, 1)).toThrow(TypeError)
      expect(() => h.store.get(undefined as never)).toThrow(TypeError)
      if (!subject.timestamped) expect(() => h.store.put('a', undefined as never)).toThrow(TypeError)
    })

    test('objects: changing one after put or after get changes nothing', async () => {
      const h = await fresh()
      const object = { list: [1] }
      h.store.put('a', object)
      object.list.push(2)
      expect(h.store.get('a')).toEqual({ list: [1] })
      ;(h.store.get('a') as { list: number[] }).list.push(3)
      expect(h.store.get('a')).toEqual({ list: [1] })
      await h.commit()
      expect(h.store.get('a')).toEqual({ list: [1] })
    })

    test('nothing reaches the engine before its batch is written', async () => {
      const { engine, dispose } = await subject.openEngine()
      disposals.push(dispose)
      const h = await open(subject, engine)
      h.store.put('a', 1)
      h.flushAndPrepare()
      const key = Buffer.concat([storePrefix('store'), utf8('a')])
      expect(engine.get(key)).toBeUndefined()
      await h.abort()
      expect(h.store.get('a')).toBeUndefined()
      h.store.put('a', 2)
      await h.commit()
      expect(engine.get(key)).toBeDefined()
    })

    test('writes go on while a commit is under way, and belong to the next', async () => {
      const { engine, dispose } = await subject.openEngine()
      disposals.push(dispose)
      const h = await open(subject, engine)
      h.store.put('a', 1)
      h.flushAndPrepare()
      h.store.put('a', 2)
      const batch = new WriteBatch()
      h.store.stage(batch)
      h.store.put('a', 3)
      h.store.put('b', 3)
      const entries: Uint8Array[] = []
      batch.forEach(key => key[5] === 0 && entries.push(key))
      expect(entries).toHaveLength(1)
      await engine.write(batch)
      h.store.staged()
      expect(h.store.get('a')).toBe(3)
      expect(readOnlyView<string, unknown>(h.store, { isolation: 'committed' }).get('b')).toBeUndefined()
      await h.abort()
      expect([h.store.get('a'), h.store.get('b')]).toEqual([1, undefined])
    })

    test('uncommittedBytes: grows with writes, is nothing after the commit', async () => {
      const h = await fresh()
      expect(h.store.uncommittedBytes).toBe(0)
      h.store.put('a', 'x'.repeat(1000))
      expect(h.store.uncommittedBytes).toBeGreaterThan(1000)
      const one = h.store.uncommittedBytes
      h.store.put('a', 'x'.repeat(2000))
      expect(h.store.uncommittedBytes - one).toBe(1000)
      await h.commit()
      expect(h.store.uncommittedBytes).toBe(0)
    })

    test('approximateNumEntries: exact with ranges, across commits and restarts', async () => {
      const h = await fresh()
      h.store.putAll([
        ['a', 1],
        ['b', 1],
        ['a', 2],
        ['c', null],
      ])
      expect(h.store.approximateNumEntries()).toBe(2)
      await h.commit()
      await h.abort()
      h.store.delete('a')
      expect(h.store.approximateNumEntries()).toBe(1)
    })

    test('after close every call says STORE_CLOSED', async () => {
      const h = await fresh()
      const view = readOnlyView<string, Value>(h.store, { isolation: 'latest' })
      h.store.close()
      expect(() => h.store.get('a')).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }))
      expect(() => view.get('a')).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }))
      h.store.staged()
    })

    rangeCases(fresh)
    changelogCases(subject, fresh)
    propertyCases(subject)
  })
}

function rangeCases(fresh: () => Promise<StoreHarness<Store>>): void {
  async function withKeys(): Promise<StoreHarness<Store>> {
    const h = await fresh()
    h.store.putAll(['b', 'd', 'a'].map(key => [key, `${key}1`]))
    await h.commit()
    h.store.putAll([
      ['c', 'c1'],
      ['d', 'd2'],
      ['ab', 'ab1'],
      ['b', null],
    ])
    return h
  }
  const all: [string, string][] = [
    ['a', 'a1'],
    ['ab', 'ab1'],
    ['c', 'c1'],
    ['d', 'd2'],
  ]

  test('ranges: in key order, both bounds included, committed or not', async () => {
    const { store } = await withKeys()
    expect([...store.all()]).toEqual(all)
    expect([...store.reverseAll()]).toEqual(all.toReversed())
    expect([...store.range('ab', 'c')]).toEqual(all.slice(1, 3))
    expect([...store.reverseRange('ab', 'c')]).toEqual(all.slice(1, 3).toReversed())
    expect([...store.range(undefined, 'ab')]).toEqual(all.slice(0, 2))
    expect([...store.reverseRange('b', undefined)]).toEqual(all.slice(2).toReversed())
    expect([...store.range('d', 'a')]).toEqual([])
    expect([...store.prefixScan('a')]).toEqual(all.slice(0, 2))
  })

  test('ranges: later writes neither show nor disturb, a commit neither', async () => {
    const h = await withKeys()
    const forward = h.store.all()
    const backward = h.store.reverseAll()
    expect(forward.next().value).toEqual(all[0])
    h.store.putAll([
      ['a', null],
      ['c', 'c9'],
      ['d', null],
      ['aaa', 'new'],
    ])
    await h.commit()
    h.store.put('ab', 'ab9')
    expect([...forward]).toEqual(all.slice(1))
    expect([...backward]).toEqual(all.toReversed())
    expect([...h.store.all()]).toEqual([
      ['aaa', 'new'],
      ['ab', 'ab9'],
      ['c', 'c9'],
    ])
  })

  test('ranges: deleting while iterating empties the store', async () => {
    const h = await withKeys()
    for (const [key] of h.store.all()) h.store.delete(key)
    expect([...h.store.all()]).toEqual([])
    await h.commit()
    await h.abort()
    expect([...h.store.all()]).toEqual([])
  })

  test('ranges from outside: committed shows the last commit, latest what is buffered too', async () => {
    const { store } = await withKeys()
    const latest = readOnlyView<string, Value>(store, { isolation: 'latest' })
    const committed = readOnlyView<string, Value>(store, { isolation: 'committed' })
    expect(await collect(latest.all())).toEqual(all)
    expect(await collect(latest.reverseAll())).toEqual(all.toReversed())
    expect(await collect(latest.range('ab', 'c'))).toEqual(all.slice(1, 3))
    expect(await collect(latest.prefixScan('a'))).toEqual(all.slice(0, 2))
    expect(await collect(committed.reverseRange('a', 'c'))).toEqual([
      ['b', 'b1'],
      ['a', 'a1'],
    ])
    expect([committed.get('d'), latest.get('d'), committed.get('c')]).toEqual(['d1', 'd2', undefined])
  })
}

function changelogCases(subject: KeyValueSubject, fresh: () => Promise<StoreHarness<Store>>): void {
  test('changelog: plain serialised values, the timestamp on the record, null for a tombstone', async () => {
    const h = await fresh()
    h.at(7).store.put('a', 1)
    h.at(9).store.put('b', { list: [2] })
    await h.commit()
    h.at(11).store.delete('a')
    await h.commit()
    expect(h.takeChangelog().map(describeRecord)).toEqual(['a=1@7', 'b={"list":[2]}@9', 'a=null@11'])
  })

  const manner =
    subject.coalescing || subject.caching
      ? 'one record for a key and commit, the last'
      : 'one record for every put, in order'
  test(`changelog: ${manner}`, async () => {
    const h = await fresh()
    h.at(1).store.put('a', 1)
    h.at(2).store.put('b', 1)
    h.at(3).store.put('a', 2)
    const before = h.takeChangelog().map(describeRecord)
    await h.commit()
    const after = h.takeChangelog().map(describeRecord)
    if (subject.coalescing || subject.caching) {
      expect(before).toEqual([])
      expect(after.toSorted()).toEqual(['a=2@3', 'b=1@2'])
    } else {
      expect(before).toEqual(['a=1@1', 'b=1@2', 'a=2@3'])
      expect(after).toEqual([])
    }
    await h.commit()
    expect(h.changelog).toEqual([])
  })

  test('restore: replaces, deletes, is not logged again, and is visible at once', async () => {
    const h = await fresh()
    h.at(1).store.put('a', 1)
    await h.commit()
    h.takeChangelog()
    const key = utf8('b')
    const value = utf8('7')
    h.store.restore([
      { key: utf8('a'), value: null, timestamp: 2, headers: [] },
      { key, value: utf8('6'), timestamp: 3, headers: [] },
      { key: null, value, timestamp: 3, headers: [] },
      { key, value, timestamp: 4, headers: [] },
    ])
    expect([h.store.get('a'), h.store.get('b')]).toEqual([undefined, 7])
    await h.restore([])
    // Slices of a fetch buffer: whoever kept them until now would see this.
    value.fill(0)
    key.fill(0)
    expect([h.store.get('a'), h.store.get('b')]).toEqual([undefined, 7])
    expect(h.changelog).toEqual([])
    await h.abort()
    expect([...h.store.all()]).toEqual([['b', 7]])
  })
}

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly value: Value | null }
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'commit' | 'abort' | 'flush' | 'ranges' | 'rebuild' }

/** A mixture in which keys meet again, and some are no ASCII. */
const key = fc.constantFrom('', 'a', 'b', 'aa', 'ab', 'é', 'Ã©', '😀')
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.integer(),
  fc.string({ maxLength: 5 }),
  fc.record({ list: fc.array(fc.integer(), { maxLength: 2 }) }),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value: fc.option(value) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get' as const), key }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('commit', 'abort', 'flush', 'ranges', 'rebuild') }),
  },
)

function propertyCases(subject: KeyValueSubject): void {
  test('against a naive map: random writes, commits, aborts and restores from the changelog', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => run(subject, steps)),
      { numRuns: subject.engine === 'level' ? 15 : 60 },
    )
  })
}

async function run(subject: KeyValueSubject, steps: readonly Step[]): Promise<void> {
  const opened = [await subject.openEngine()]
  let h = await open(subject, opened[0]!.engine)
  let naive = new Map<string, Value>()
  let committed = new Map<string, Value>()
  const log: ChangelogRecord[] = []
  let time = 0
  for (const action of steps) {
    h.at((time += 1))
    if (action.kind === 'put') {
      h.store.put(action.key, action.value)
      if (action.value === null) naive.delete(action.key)
      else naive.set(action.key, action.value)
    } else if (action.kind === 'get') {
      expect(h.store.get(action.key)).toEqual(naive.get(action.key))
    } else if (action.kind === 'commit') {
      await h.commit()
      log.push(...h.takeChangelog())
      committed = new Map(naive)
    } else if (action.kind === 'abort') {
      await h.abort()
      h.takeChangelog()
      naive = new Map(committed)
    } else if (action.kind === 'flush') {
      h.store.flush()
    } else if (action.kind === 'rebuild') {
      // The disk is lost: what is left is what the committed changelog holds.
      h.store.close()
      opened.push(await subject.openEngine())
      h = await open(subject, opened.at(-1)!.engine)
      await h.restore(log)
      naive = new Map(committed)
    }
    if (action.kind !== 'get' && action.kind !== 'put') await compare(h.store, naive, committed)
  }
  await compare(h.store, naive, committed)
  for (const { dispose } of opened) await dispose()
}

async function compare(
  store: Store,
  naive: ReadonlyMap<string, Value>,
  committed: ReadonlyMap<string, Value>,
): Promise<void> {
  const expected = inByteOrder(naive)
  expect([...store.all()]).toEqual(expected)
  expect([...store.reverseRange('a', 'é')]).toEqual(
    expected.filter(([k]) => within(k, 'a', 'é')).toReversed(),
  )
  expect(await collect(readOnlyView<string, Value>(store, { isolation: 'latest' }).all())).toEqual(expected)
  expect(await collect(readOnlyView<string, Value>(store, { isolation: 'committed' }).reverseAll())).toEqual(
    inByteOrder(committed).toReversed(),
  )
  expect(store.approximateNumEntries()).toBe(naive.size)
}

function within(k: string, low: string, high: string): boolean {
  return Buffer.compare(utf8(k), utf8(low)) >= 0 && Buffer.compare(utf8(k), utf8(high)) <= 0
}

function inByteOrder(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort(([left], [right]) => Buffer.compare(utf8(left), utf8(right)))
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function describeRecord({ key: k, value: v, timestamp, headers }: ChangelogRecord): string {
  expect(headers).toEqual([])
  return `${utf8Text(k!)}=${v === null ? 'null' : utf8Text(v)}@${timestamp}`
}

function title({ engine, caching, coalescing, timestamped, readCacheBytesMax }: KeyValueSubject): string {
  const kind = timestamped ? 'timestamped' : 'plain'
  const small = readCacheBytesMax === undefined ? '' : ', tiny read cache'
  return `key-value store: ${kind} over ${engine}, caching ${caching}, coalescing ${coalescing}${small}`
}

function open(subject: KeyValueSubject, engine: Engine): Promise<StoreHarness<Store>> {
  const options = {
    name: 'store',
    keySerde: serdes.string(),
    valueSerde: serdes.json<Value>(),
    caching: subject.caching,
    persistent: engine.persistent,
  }
  const builder = subject.timestamped
    ? withoutTimestamps(stores.timestampedKeyValueStore(options), () => harness)
    : stores.keyValueStore(options)
  const harness: StoreHarness<Store> = new StoreHarness<Store>(builder, {
    engine,
    coalescing: subject.coalescing,
    cacheBytesMax: 1_000_000,
    ...(subject.readCacheBytesMax === undefined ? {} : { readCacheBytesMax: subject.readCacheBytesMax }),
  })
  return harness.open().then(() => harness)
}

/**
 * A timestamped store seen as a plain one, so that one suite serves both: values go in with the time of the
 * record.
 */
function withoutTimestamps(
  builder: StoreBuilder<KeyValueStore<string, ValueAndTimestamp<Value>>>,
  harness: () => StoreHarness<Store>,
): StoreBuilder<Store> {
  const isPair = (v: unknown): v is ValueAndTimestamp<Value> =>
    typeof v === 'object' && v !== null && 'timestamp' in v
  const inner = (v: unknown): unknown => (isPair(v) ? v.value : v)
  return {
    ...builder,
    build() {
      const store = builder.build() as unknown as Store
      const { put, get } = store
      store.put = (k, v) =>
        put.call(
          store,
          k,
          v === null ? v : ({ value: v, timestamp: harness().recordContext().timestamp } as never),
        )
      // `delete` and `putIfAbsent` are built on these two.
      store.get = k => inner(get.call(store, k)) as Value | undefined
      const valueOf = (store as unknown as { valueOf(state: unknown): unknown }).valueOf
      Object.assign(store, { valueOf: (state: unknown) => inner(valueOf.call(store, state)) })
      return store
    },
  }
}
