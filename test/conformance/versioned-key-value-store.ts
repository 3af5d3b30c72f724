import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { utf8Text } from '../../lib/common/bytes.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Engine } from '../../lib/store/engine/engine.ts'
import { storeRange } from '../../lib/store/contract/store-name.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { VersionedKeyValueStore } from '../../lib/store/contract/versioned-key-value-store.ts'
import { versionedView } from '../../lib/store/views/versioned-view.ts'
import { StoreHarness } from '../store/store-harness.ts'

export interface VersionedSubject {
  readonly title: string
  openEngine(): Promise<{ engine: Engine; dispose(): Promise<void> }>
  readonly coalescing: boolean
  /** So small that hardly anything clean stays in memory, or undefined. */
  readonly readCacheBytesMax?: number
  readonly runs: number
}

type Store = VersionedKeyValueStore<string, string>
type Step =
  | readonly ['put', string, string | null, number]
  | readonly ['delete', string, number]
  | readonly ['commit' | 'abort' | 'restart']

const HISTORY_MS = 100
const KEYS = ['a', 'b', 'c']
/** Where times have no room left: 2^53 − 1. */
const LAST_TIME = Number.MAX_SAFE_INTEGER

/** What every versioned store does, over whichever engine. */
export function versionedStoreSuite(subject: VersionedSubject): void {
  const disposals: (() => Promise<void>)[] = []

  async function fresh(options: { historyRetentionMs?: number; segmentIntervalMs?: number } = {}) {
    const { engine, dispose } = await subject.openEngine()
    disposals.push(dispose)
    return { engine, h: await open(subject, engine, options) }
  }

  afterEach(async () => {
    for (const dispose of disposals.splice(0)) await dispose()
  })

  describe(`versioned store (${subject.title})`, () => {
    test('get and getAsOf: the version of a time, and up to when it holds', async () => {
      const { h } = await fresh()
      expect(h.store.put('a', '1', 10)).toEqual({ put: true, validToMs: undefined })
      expect(h.store.put('a', '3', 30)).toEqual({ put: true, validToMs: undefined })
      expect(h.store.put('a', '2', 20)).toEqual({ put: true, validToMs: 30 })
      expect(h.store.get('a')).toEqual({ value: '3', timestamp: 30, validToMs: undefined })
      expect(h.store.getAsOf('a', 25)).toEqual({ value: '2', timestamp: 20, validToMs: 30 })
      expect(h.store.getAsOf('a', 19)).toEqual({ value: '1', timestamp: 10, validToMs: 20 })
      expect([h.store.getAsOf('a', 9), h.store.get('b'), h.store.getAsOf('b', 20)]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    })

    test('a deletion is a version; delete says what it ended', async () => {
      const { h } = await fresh()
      h.store.put('a', '1', 10)
      h.store.put('a', null, 30)
      expect(h.store.delete('a', 20)).toEqual({ value: '1', timestamp: 10, validToMs: 30 })
      expect(h.store.get('a')).toBeUndefined()
      expect([19, 20, 40].map(time => h.store.getAsOf('a', time)?.value)).toEqual(['1', undefined, undefined])
      expect(h.store.put('a', '2', 25)).toEqual({ put: true, validToMs: 30 })
    })

    test('a put older than the history is dropped and counted, but logged', async () => {
      const { h } = await fresh()
      h.store.put('a', '1', 200)
      expect(h.store.put('b', 'late', 99)).toEqual({ put: false })
      expect(h.store.delete('b', 99)).toBeUndefined()
      expect(h.store.put('b', 'in time', 100)).toEqual({ put: true, validToMs: undefined })
      expect(h.metrics.total('dropped-records-total')).toBe(2)
      expect(h.takeChangelog().map(({ timestamp }) => timestamp)).toEqual([200, 99, 99, 100])
    })

    test('the latest version is found however old it is; others only within the history', async () => {
      const { h } = await fresh()
      h.store.put('a', '1', 10)
      h.store.put('b', '1', 10)
      h.store.put('b', '2', 20)
      h.store.put('c', 'now', 200)
      expect(h.store.getAsOf('a', 15)?.value).toBe('1')
      expect(h.store.getAsOf('b', 15)).toBeUndefined()
      expect(h.store.getAsOf('b', 20)?.value).toBe('2')
    })

    test('one changelog record a put, with its own time, never coalesced', async () => {
      const { h } = await fresh()
      h.at(1000).store.put('a', '1', 10)
      h.store.put('a', '2', 20)
      h.store.put('a', null, 15)
      h.flushAndPrepare()
      expect(
        h
          .takeChangelog()
          .map(({ key, value, timestamp }) => [utf8Text(key!), value && utf8Text(value), timestamp]),
      ).toEqual([
        ['a', '1', 10],
        ['a', '2', 20],
        ['a', null, 15],
      ])
    })

    test('misuse: undefined, missing keys, times that are none', async () => {
      const { h } = await fresh()
      expect(() => h.store.put('a', undefined as never, 1)).toThrow(TypeError)
      expect(() => h.store.put(null as never, '1', 1)).toThrow(TypeError)
      expect(() => h.store.put('a', '1', -1)).toThrow(TypeError)
      expect(() => h.store.put('a', '1', 1.5)).toThrow(TypeError)
      expect(h.takeChangelog()).toEqual([])
    })

    test('readers from outside see the last commit, or the latest, with the history of either', async () => {
      const { h } = await fresh({ segmentIntervalMs: 10 })
      h.store.put('a', '1', 10)
      h.store.put('a', '2', 50)
      await h.commit()
      h.store.put('a', '3', 500)
      const committed = versionedView<string, string>(h.store, { isolation: 'committed' })
      const latest = versionedView<string, string>(h.store, { isolation: 'latest' })
      expect([committed.get('a')?.value, latest.get('a')?.value]).toEqual(['2', '3'])
      expect([committed.getAsOf('a', 20)?.value, latest.getAsOf('a', 20)?.value]).toEqual(['1', undefined])
    })

    test('what has left the history leaves the engine, in one go, after a jump to the end of time too', async () => {
      const { engine, h } = await fresh({ segmentIntervalMs: 10 })
      for (let time = 0; time < 300; time += 10) h.store.put('a', String(time), time)
      await h.commit()
      const before = await rowCount(engine)
      h.store.put('a', 'end', LAST_TIME)
      await h.commit()
      h.store.put('b', 'end', LAST_TIME)
      await h.commit()
      expect(before).toBeGreaterThan(15)
      // The latest rows of a and b, the segment that holds what the end of time replaced, and the notes.
      expect(await rowCount(engine)).toBeLessThan(7)
      expect(h.store.getAsOf('a', LAST_TIME - 1)?.value).toBe('290')
      await h.abort()
      expect(h.store.getAsOf('a', LAST_TIME - 1)?.value).toBe('290')
      expect(h.store.put('a', 'late', 5)).toEqual({ put: false })
    })

    test('a retention as long as time itself', async () => {
      const { h } = await fresh({ historyRetentionMs: LAST_TIME, segmentIntervalMs: 1 })
      h.store.put('a', '0', 0)
      h.store.put('a', '2', LAST_TIME)
      h.store.put('a', '1', 1)
      expect([0, 1, LAST_TIME - 1, LAST_TIME].map(time => h.store.getAsOf('a', time)?.value)).toEqual([
        '0',
        '1',
        '1',
        '2',
      ])
    })

    test('random work: a naive model agrees, over commits, aborts and restores', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(steps(), { maxLength: 60 }),
          fc.constantFrom(1, 7, 40, 1000),
          (work, segmentIntervalMs) => compare(subject, work, segmentIntervalMs),
        ),
        { numRuns: subject.runs },
      )
    })
  })
}

function open(
  subject: VersionedSubject,
  engine: Engine,
  options: { historyRetentionMs?: number; segmentIntervalMs?: number },
): Promise<StoreHarness<Store>> {
  const builder = stores.versionedKeyValueStore<string, string>({
    name: 'store',
    keySerde: serdes.string(),
    valueSerde: serdes.string(),
    historyRetentionMs: HISTORY_MS,
    ...options,
  })
  const { coalescing, readCacheBytesMax } = subject
  return StoreHarness.open(builder, {
    engine,
    coalescing,
    ...(readCacheBytesMax !== undefined && { readCacheBytesMax }),
  })
}

async function rowCount(engine: Engine): Promise<number> {
  let count = 0
  for await (const _row of engine.entries(storeRange('store'))) count += 1
  return count
}

/** Times crowd, go back, and now and then leap. */
function steps(): fc.Arbitrary<Step> {
  const time = fc.oneof(
    { weight: 8, arbitrary: fc.nat(300) },
    { weight: 1, arbitrary: fc.nat(5000) },
    { weight: 1, arbitrary: fc.integer({ min: LAST_TIME - 150, max: LAST_TIME }) },
  )
  const key = fc.constantFrom(...KEYS)
  const value = fc.option(fc.constantFrom('x', 'y', 'z'), { freq: 4 })
  return fc.oneof(
    { weight: 12, arbitrary: fc.tuple(fc.constant('put' as const), key, value, time) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('delete' as const), key, time) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom('commit' as const, 'abort' as const, 'restart' as const)),
    },
  )
}

async function compare(
  subject: VersionedSubject,
  work: readonly Step[],
  segmentIntervalMs: number,
): Promise<void> {
  const opened = [await subject.openEngine()]
  try {
    let h = await open(subject, opened[0]!.engine, { segmentIntervalMs })
    let model = new Model()
    let committed = model.copy()
    let loggedWhenCommitted = 0
    for (const step of work) {
      if (step[0] === 'put') {
        const [, key, value, time] = step
        expect(h.store.put(key, value, time)).toEqual(model.put(key, value, time))
      } else if (step[0] === 'delete') {
        const [, key, time] = step
        expect(h.store.delete(key, time)).toEqual(model.delete(key, time))
      } else if (step[0] === 'commit') {
        await h.commit()
        committed = model.copy()
        loggedWhenCommitted = h.changelog.length
      } else if (step[0] === 'abort') {
        await h.abort()
        model = committed.copy()
        h.changelog.splice(loggedWhenCommitted)
      } else {
        // A process on another machine: nothing but the changelog.
        await h.commit()
        committed = model.copy()
        const records = h.changelog
        opened.push(await subject.openEngine())
        h = await open(subject, opened[opened.length - 1]!.engine, { segmentIntervalMs })
        const middle = records.length >>> 1
        await h.restore(records.slice(0, middle))
        await h.restore(records.slice(middle))
        h.changelog.push(...records)
        loggedWhenCommitted = records.length
      }
      agree(h.store, model)
      agree(versionedView<string, string>(h.store, { isolation: 'committed' }), committed)
    }
  } finally {
    for (const { dispose } of opened) await dispose()
  }
}

function agree(store: Pick<Store, 'get' | 'getAsOf'>, model: Model): void {
  for (const key of KEYS) {
    expect(store.get(key)).toEqual(model.get(key))
    for (const time of model.interestingTimes()) {
      expect([key, time, store.getAsOf(key, time)]).toEqual([key, time, model.getAsOf(key, time)])
    }
  }
}

/** Every version there ever was, and the rules said outright. */
class Model {
  readonly #versions = new Map<string, Map<number, string | null>>()
  #observedMs = -1

  copy(): Model {
    const copy = new Model()
    for (const [key, versions] of this.#versions) copy.#versions.set(key, new Map(versions))
    copy.#observedMs = this.#observedMs
    return copy
  }

  put(key: string, value: string | null, time: number) {
    if (time < this.#observedMs - HISTORY_MS) return { put: false }
    this.#observedMs = Math.max(this.#observedMs, time)
    const versions = this.#of(key)
    const times = [...versions.keys()].sort((left, right) => left - right)
    const before = times.findLast(other => other < time)
    const isLatest = times.every(other => other <= time)
    const replacesLatest = isLatest && (versions.get(time) ?? null) !== null
    const followsValue = before !== undefined && versions.get(before) !== null
    // As upstream, a deletion of the very latest value leaves a trace only where another value ends with it.
    if (value === null && replacesLatest && !followsValue) versions.delete(time)
    else versions.set(time, value)
    return { put: true, validToMs: times.find(other => other > time) }
  }

  delete(key: string, time: number) {
    const present = time < this.#observedMs - HISTORY_MS ? undefined : this.getAsOf(key, time)
    this.put(key, null, time)
    return present
  }

  get(key: string) {
    return this.#at(key, Infinity)
  }

  getAsOf(key: string, time: number) {
    const found = this.#at(key, time)
    if (time >= this.#observedMs - HISTORY_MS || found?.validToMs === undefined) return found
    return undefined
  }

  interestingTimes(): number[] {
    const times = [...this.#versions.values()].flatMap(versions => [...versions.keys()])
    const edges = [...times, this.#observedMs - HISTORY_MS].flatMap(time => [time - 1, time, time + 1])
    return [...new Set(edges)].filter(time => time >= 0 && time <= LAST_TIME)
  }

  #at(key: string, time: number) {
    const versions = this.#of(key)
    const times = [...versions.keys()].sort((left, right) => left - right)
    const timestamp = times.findLast(other => other <= time)
    if (timestamp === undefined) return undefined
    const value = versions.get(timestamp) ?? null
    if (value === null) return undefined
    return { value, timestamp, validToMs: times.find(other => other > timestamp) }
  }

  #of(key: string): Map<number, string | null> {
    let versions = this.#versions.get(key)
    if (!versions) this.#versions.set(key, (versions = new Map()))
    return versions
  }
}
