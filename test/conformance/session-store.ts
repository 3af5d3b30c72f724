import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { asBuffer } from '../../lib/common/bytes.ts'
import type { Windowed } from '../../lib/common/windowed.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Engine } from '../../lib/store/engine/engine.ts'
import { readOnlySessionView } from '../../lib/store/views/read-only-session-view.ts'
import type { SessionStore } from '../../lib/store/contract/session-store.ts'
import type { ChangelogRecord } from '../../lib/store/contract/state-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { NaiveSessions, type SessionRow } from '../store/naive-sessions.ts'
import { StoreHarness } from '../store/store-harness.ts'

export interface SessionSubject {
  readonly engine: 'memory' | 'level'
  openEngine(): Promise<{ engine: Engine; dispose(): Promise<void> }>
  readonly caching: boolean
  readonly coalescing: boolean
  /** So small that hardly anything clean stays in memory, or undefined. */
  readonly readCacheBytesMax?: number
}

type Store = SessionStore<string, string>

const RETENTION_MS = 100

/** What every session store does, whichever layers are on. */
export function sessionStoreSuite(subject: SessionSubject): void {
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
    readCases(fresh)
    changeCases(subject, fresh)
    propertyCases(subject)
  })
}

function readCases(fresh: () => Promise<StoreHarness<Store>>): void {
  async function filled(): Promise<StoreHarness<Store>> {
    const h = await fresh()
    h.store.put(session('a', 0, 10), 'a0')
    h.store.put(session('b', 5, 20), 'b5')
    await h.commit()
    h.store.put(session('a', 30, 40), 'a30')
    h.store.put(session('ab', 15, 20), 'ab15')
    h.store.put(session('a', 12, 20), 'a12')
    return h
  }
  const all = ['a@0/10=a0', 'a@12/20=a12', 'ab@15/20=ab15', 'b@5/20=b5', 'a@30/40=a30']

  test('fetchSession: exactly this session', async () => {
    const { store } = await filled()
    expect(store.fetchSession('a', { startMs: 12, endMs: 20 })).toBe('a12')
    expect(store.fetchSession('b', { startMs: 5, endMs: 20 })).toBe('b5')
    expect(store.fetchSession('a', { startMs: 12, endMs: 21 })).toBeUndefined()
    expect(store.fetchSession('a', { startMs: 0, endMs: 20 })).toBeUndefined()
  })

  test('findSessions: those that overlap the span, earliest end first', async () => {
    const { store } = await filled()
    expect(rows(store.findSessions('a', { earliestEndMs: 10, latestStartMs: 12 }))).toEqual([all[0], all[1]])
    expect(rows(store.findSessions('a', { earliestEndMs: 11, latestStartMs: 29 }))).toEqual([all[1]])
    expect(rows(store.backwardFindSessions('a', { earliestEndMs: 0, latestStartMs: 30 }))).toEqual([
      all[4],
      all[1],
      all[0],
    ])
    expect(rows(store.fetch('a'))).toEqual([all[0], all[1], all[4]])
    expect(rows(store.backwardFetch('b'))).toEqual([all[3]])
    expect(rows(store.fetch('c'))).toEqual([])
  })

  test('several keys: by end, then key', async () => {
    const { store } = await filled()
    expect(rows(store.fetchRange({}))).toEqual(all)
    expect(rows(store.backwardFetchRange({}))).toEqual(all.toReversed())
    expect(rows(store.fetchRange({ from: 'aa' }))).toEqual(all.slice(2, 4))
    expect(rows(store.findSessionsRange({ to: 'a' }, { earliestEndMs: 11, latestStartMs: 29 }))).toEqual([
      all[1],
    ])
    const late = { earliestEndMs: 20, latestStartMs: 12 }
    expect(rows(store.backwardFindSessionsRange({}, late))).toEqual([all[3], all[1]])
    expect(rows(store.findSessionsByEnd({ fromMs: 11, toMs: 20 }))).toEqual(all.slice(1, 4))
    expect(rows(store.findSessionsByEnd({ fromMs: 41, toMs: 100 }))).toEqual([])
  })

  test('views: the same from outside, committed or latest', async () => {
    const h = await filled()
    const latest = readOnlySessionView<string, string>(h.store, { isolation: 'latest' })
    const committed = readOnlySessionView<string, string>(h.store, { isolation: 'committed' })
    h.store.remove(session('a', 0, 10))
    expect(rows(await collect(latest.fetchRange({})))).toEqual(all.slice(1))
    expect(rows(await collect(committed.fetchRange({})))).toEqual([all[0], all[3]])
    expect(rows(await collect(committed.fetch('a')))).toEqual([all[0]])
    expect(rows(await collect(latest.backwardFetch('a')))).toEqual([all[4], all[1]])
    expect(committed.fetchSession('a', { startMs: 0, endMs: 10 })).toBe('a0')
    expect(latest.fetchSession('a', { startMs: 0, endMs: 10 })).toBeUndefined()
    const span = { earliestEndMs: 5, latestStartMs: 5 }
    expect(rows(await collect(committed.backwardFindSessionsRange({}, span)))).toEqual([all[3], all[0]])
  })
}

function changeCases(subject: SessionSubject, fresh: () => Promise<StoreHarness<Store>>): void {
  test('retention: a session is there while it ends after the latest end minus the retention', async () => {
    const h = await fresh()
    h.store.put(session('a', 0, 10), '1')
    h.store.put(session('b', 0, 11), '2')
    h.store.put(session('c', 0, 110), '3')
    expect(rows(h.store.fetchRange({}))).toEqual(['b@0/11=2', 'c@0/110=3'])
    h.store.put(session('a', 0, 10), '4')
    expect(h.metrics.total('dropped-records-total')).toBe(1)
    h.store.remove(session('a', 0, 10))
    expect(h.metrics.total('dropped-records-total')).toBe(1)
    await h.commit()
    await h.abort()
    h.store.put(session('a', 5, 10), '5')
    expect(rows(h.store.fetch('a'))).toEqual([])
  })

  test('a session that grows: the old one goes, the new one comes, in one commit', async () => {
    const h = await fresh()
    h.store.put(session('a', 5, 5), '1')
    await h.commit()
    h.takeChangelog()
    for (const end of [6, 7, 8]) {
      h.store.remove(session('a', 5, end - 1))
      h.store.put(session('a', 5, end), `${end}`)
    }
    expect(rows(h.store.fetchRange({}))).toEqual(['a@5/8=8'])
    await h.commit()
    await h.abort()
    expect(rows(h.store.fetchRange({}))).toEqual(['a@5/8=8'])
    const records = h.takeChangelog().map(({ value }) => (value === null ? null : asBuffer(value).toString()))
    if (subject.caching || subject.coalescing) expect(records.filter(value => value !== null)).toEqual(['8'])
    else expect(records).toEqual([null, '6', null, '7', null, '8'])
  })

  test('changelog: key ‖ end ‖ start, with the time of the record', async () => {
    const h = await fresh()
    h.at(7).store.put(session('k', 258, 65537), 'v')
    await h.commit()
    const [record] = h.takeChangelog()
    expect(asBuffer(record!.key!).toString('hex')).toBe('6b00000000000100010000000000000102')
    expect([asBuffer(record!.value!).toString(), record!.timestamp]).toEqual(['v', 7])
  })

  test('changelog: without coalescing a removal of what is not there is a record, too', async () => {
    const h = await fresh()
    h.store.remove(session('k', 1, 2))
    h.store.put(session('k', 1, 2), null)
    await h.commit()
    const both = subject.caching ? [null] : [null, null]
    expect(h.takeChangelog().map(({ value }) => value)).toEqual(subject.coalescing ? [] : both)
    expect(h.store.uncommittedBytes).toBe(0)
  })
}

type Step =
  | { readonly kind: 'put'; readonly row: SessionRow }
  | { readonly kind: 'remove'; readonly pick: number }
  | { readonly kind: 'commit' | 'abort' | 'rebuild' }

function propertyCases(subject: SessionSubject): void {
  const time = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 200 }) },
    { weight: 1, arbitrary: fc.integer({ min: 2 ** 53 - 500, max: 2 ** 53 - 1 }) },
  )
  const row = fc
    .tuple(fc.constantFrom('', 'a', 'aa', 'é'), time, time, fc.string({ maxLength: 3 }))
    .map(([key, one, other, value]) => [key, Math.min(one, other), Math.max(one, other), value] as const)
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), row }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('abort' as const, 'rebuild' as const) }) },
  )
  test('against a naive list: random puts, removals, commits, aborts and restores from the changelog', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), steps => run(subject, steps)),
      { numRuns: subject.engine === 'level' ? 6 : 40 },
    )
  })
}

async function run(subject: SessionSubject, steps: readonly Step[]): Promise<void> {
  const opened = [await subject.openEngine()]
  let h = await open(subject, opened[0]!.engine)
  let naive = new NaiveSessions(RETENTION_MS)
  let committed = naive.copy()
  const log: ChangelogRecord[] = []
  for (const step of steps) {
    if (step.kind === 'put') {
      const [key, start, end, value] = step.row
      h.store.put(session(key, start, end), value)
      naive.put(step.row)
    } else if (step.kind === 'remove') {
      const row = naive.rows()[step.pick % Math.max(1, naive.rows().length)]
      if (row) h.store.remove(session(row[0], row[1], row[2]))
      if (row) naive.remove(row)
    } else if (step.kind === 'commit') {
      await h.commit()
      log.push(...h.takeChangelog())
      committed = naive.copy()
    } else {
      if (step.kind === 'abort') await h.abort()
      else {
        h.store.close()
        opened.push(await subject.openEngine())
        h = await open(subject, opened.at(-1)!.engine)
        await h.restore(log)
        committed.observe(
          Math.max(-1, ...log.map(({ key }) => Number(asBuffer(key!).readBigUInt64BE(key!.length - 16)))),
        )
      }
      h.takeChangelog()
      naive = committed.copy()
    }
    if (step.kind === 'commit' || step.kind === 'rebuild') await compare(h.store, naive)
  }
  await compare(h.store, naive)
  for (const { dispose } of opened) await dispose()
}

async function compare(store: Store, naive: NaiveSessions): Promise<void> {
  const expected = shown(naive.rows())
  expect(rows(store.fetchRange({}))).toEqual(expected)
  expect(rows(store.backwardFetchRange({}))).toEqual(expected.toReversed())
  const overlapping = naive.rows().filter(([key, start, end]) => key === 'a' && end >= 50 && start <= 120)
  expect(rows(store.findSessions('a', { earliestEndMs: 50, latestStartMs: 120 }))).toEqual(shown(overlapping))
  const ended = naive.rows().filter(([, , end]) => end >= 50 && end <= 120)
  expect(rows(store.findSessionsByEnd({ fromMs: 50, toMs: 120 }))).toEqual(shown(ended))
  const latest = readOnlySessionView<string, string>(store, { isolation: 'latest' })
  expect(rows(await collect(latest.fetchRange({})))).toEqual(expected)
}

function session(key: string, startMs: number, endMs: number): Windowed<string> {
  return { key, window: { startMs, endMs } }
}

function shown(all: readonly SessionRow[]): string[] {
  return all.map(([key, start, end, value]) => `${key}@${start}/${end}=${value}`)
}

function rows(entries: Iterable<readonly [Windowed<string>, string]>): string[] {
  return Array.from(
    entries,
    ([{ key, window }, value]) => `${key}@${window.startMs}/${window.endMs}=${value}`,
  )
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function title({ engine, caching, coalescing, readCacheBytesMax }: SessionSubject): string {
  const small = readCacheBytesMax === undefined ? '' : ', tiny read cache'
  return `session store: over ${engine}, caching ${caching}, coalescing ${coalescing}${small}`
}

function open(subject: SessionSubject, engine: Engine): Promise<StoreHarness<Store>> {
  const { caching, coalescing, readCacheBytesMax } = subject
  const options = { name: 'store', keySerde: serdes.string(), valueSerde: serdes.string() }
  return StoreHarness.open(
    stores.sessionStore({ ...options, retentionMs: RETENTION_MS, caching, persistent: engine.persistent }),
    {
      engine,
      coalescing,
      cacheBytesMax: 1_000_000,
      ...(readCacheBytesMax === undefined ? {} : { readCacheBytesMax }),
    },
  )
}
