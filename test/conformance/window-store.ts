import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { asBuffer } from '../../lib/common/bytes.ts'
import { readOnlyWindowView } from '../../lib/store/views/read-only-window-view.ts'
import type { ChangelogRecord } from '../../lib/store/contract/state-store.ts'
import type { TimeRange } from '../../lib/store/contract/window-store.ts'
import { NaiveWindows, type Row } from '../store/naive-windows.ts'
import type { StoreHarness } from '../store/store-harness.ts'
import type { WindowSubject, WindowedTexts } from '../store/window-subject.ts'
import {
  collect,
  openWindowSubject as open,
  RETENTION_MS,
  rows,
  SIZE_MS,
  windows,
} from '../store/window-subject.ts'
import { WriteBatch } from '../../lib/store/engine/write-batch.ts'

type Store = WindowedTexts

/** Near the largest time that numbers hold exactly: a jump there ends everything before. */
const FAR_MS = 2 ** 53 - 1000

/** What every window store does, whichever layers are on. */
export function windowStoreSuite(subject: WindowSubject): void {
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
    rangeCases(fresh)
    expiryCases(subject, fresh)
    changelogCases(subject, fresh)
    snapshotCases(fresh)
    commitCases(subject, fresh)
    if (subject.retainDuplicates) duplicateCases(fresh)
    else pointCases(fresh)
    propertyCases(subject)
  })
}

function pointCases(fresh: () => Promise<StoreHarness<Store>>): void {
  test('fetch: one window of one key, before and after the commit', async () => {
    const h = await fresh()
    h.store.put('a', 'a0', 0)
    h.store.put('a', 'a10', 10)
    h.store.put('a', 'A0', 0)
    expect([h.store.fetch('a', 0), h.store.fetch('a', 10), h.store.fetch('a', 5)]).toEqual([
      'A0',
      'a10',
      undefined,
    ])
    await h.commit()
    h.store.put('a', null, 0)
    expect([h.store.fetch('a', 0), h.store.fetch('a', 10), h.store.fetch('b', 10)]).toEqual([
      undefined,
      'a10',
      undefined,
    ])
    await h.commit()
    await h.abort()
    expect([h.store.fetch('a', 0), h.store.fetch('a', 10)]).toEqual([undefined, 'a10'])
  })

  test('put: a value put again after its deletion is there', async () => {
    const h = await fresh()
    h.store.put('a', '1', 0)
    await h.commit()
    h.store.put('a', null, 0)
    h.store.put('a', '2', 0)
    expect(windows(h.store.fetch('a', {}))).toEqual(['0=2'])
    await h.commit()
    expect(rows(h.store.all())).toEqual(['a@0/10=2'])
  })
}

function duplicateCases(fresh: () => Promise<StoreHarness<Store>>): void {
  test('duplicates: every put stays, in the order of arrival; a null deletes nothing', async () => {
    const h = await fresh()
    h.store.put('a', '1', 5)
    h.store.put('a', '2', 5)
    h.store.put('a', '1', 5)
    h.store.put('a', null, 5)
    expect(windows(h.store.fetch('a', {}))).toEqual(['5=1', '5=2', '5=1'])
    expect(windows(h.store.backwardFetch('a', {}))).toEqual(['5=1', '5=2', '5=1'].toReversed())
    expect(h.store.fetch('a', 5)).toBeUndefined()
    await h.commit()
    await h.abort()
    h.store.put('a', '3', 5)
    expect(rows(h.store.all())).toEqual(['a@5/15=1', 'a@5/15=2', 'a@5/15=1', 'a@5/15=3'])
  })
}

function rangeCases(fresh: () => Promise<StoreHarness<Store>>): void {
  async function filled(): Promise<StoreHarness<Store>> {
    const h = await fresh()
    h.store.put('b', 'b10', 10)
    h.store.put('a', 'a20', 20)
    h.store.put('a', 'a0', 0)
    await h.commit()
    h.store.put('ab', 'ab10', 10)
    h.store.put('a', 'a10', 10)
    return h
  }
  const all = ['a@0/10=a0', 'a@10/20=a10', 'ab@10/20=ab10', 'b@10/20=b10', 'a@20/30=a20']

  test('ranges of one key: by start, both bounds included, open where absent', async () => {
    const { store } = await filled()
    expect(windows(store.fetch('a', {}))).toEqual(['0=a0', '10=a10', '20=a20'])
    expect(windows(store.fetch('a', { fromMs: 1, toMs: 20 }))).toEqual(['10=a10', '20=a20'])
    expect(windows(store.fetch('a', { toMs: 10 }))).toEqual(['0=a0', '10=a10'])
    expect(windows(store.fetch('a', { fromMs: 10, toMs: 9 }))).toEqual([])
    expect(windows(store.backwardFetch('a', { fromMs: 0, toMs: 19 }))).toEqual(['10=a10', '0=a0'])
    expect(windows(store.fetch('c', {}))).toEqual([])
  })

  test('ranges of several keys: by start, then key', async () => {
    const { store } = await filled()
    expect(rows(store.all())).toEqual(all)
    expect(rows(store.backwardAll())).toEqual(all.toReversed())
    expect(rows(store.fetchAll({ fromMs: 10, toMs: 10 }))).toEqual(all.slice(1, 4))
    expect(rows(store.backwardFetchAll({ fromMs: 11 }))).toEqual(all.slice(4))
    expect(rows(store.fetchRange({ from: 'aa', to: 'b' }, {}))).toEqual(all.slice(2, 4))
    expect(rows(store.fetchRange({ to: 'a' }, { toMs: 10 }))).toEqual(all.slice(0, 2))
    expect(rows(store.backwardFetchRange({ from: 'ab' }, {}))).toEqual(all.slice(2, 4).toReversed())
    expect(rows(store.fetchRange({ from: 'b', to: 'a' }, {}))).toEqual([])
  })

  test('views: the same ranges from outside, committed or latest', async () => {
    const h = await filled()
    const latest = readOnlyWindowView<string, string>(h.store, { isolation: 'latest' })
    const committed = readOnlyWindowView<string, string>(h.store, { isolation: 'committed' })
    expect(rows(await collect(latest.all()))).toEqual(all)
    expect(rows(await collect(committed.all()))).toEqual([all[0], all[3], all[4]])
    expect(rows(await collect(committed.backwardFetchRange({ from: 'a', to: 'a' }, { fromMs: 5 })))).toEqual([
      all[4],
    ])
    expect(windows(await collect(committed.fetch('a', {})))).toEqual(['0=a0', '20=a20'])
    expect(windows(await collect(latest.backwardFetch('a', { toMs: 10 })))).toEqual(['10=a10', '0=a0'])
  })
}

function expiryCases(subject: WindowSubject, fresh: () => Promise<StoreHarness<Store>>): void {
  test('retention: a window is there while it starts after the latest start minus the retention', async () => {
    const h = await fresh()
    h.store.put('a', '1', 0)
    h.store.put('b', '2', 1)
    h.store.put('c', '3', 99)
    expect(rows(h.store.all())).toHaveLength(3)
    h.store.put('c', '4', 100)
    expect(windows(h.store.fetch('a', {}))).toEqual([])
    expect(rows(h.store.all())).toEqual(['b@1/11=2', 'c@99/109=3', 'c@100/110=4'])
    expect(h.metrics.total('dropped-records-total')).toBe(0)
    h.store.put('a', '5', 0)
    expect(h.metrics.total('dropped-records-total')).toBe(1)
    expect(windows(h.store.fetch('a', {}))).toEqual([])
  })

  test('retention: the latest start survives a commit and a new start, even when its window was deleted', async () => {
    const h = await fresh()
    h.store.put('a', '1', 200)
    h.store.put('b', '2', 150)
    await h.commit()
    if (!subject.retainDuplicates) h.store.put('a', null, 200)
    await h.commit()
    await h.abort()
    h.store.put('b', '3', 100)
    expect(windows(h.store.fetch('b', {}))).toEqual(['150=2'])
    expect(h.metrics.total('dropped-records-total')).toBe(1)
  })

  test('retention: expired windows leave the engine, those written but not committed included', async () => {
    const { engine, dispose } = await subject.openEngine()
    const h = await open(subject, engine)
    for (let i = 0; i < 30; i += 1) h.store.put(`k${i}`, 'x', i)
    await h.commit()
    h.store.put('late', 'y', 40)
    h.store.put('z', '1', FAR_MS)
    await h.commit()
    await h.abort()
    expect(rows(h.store.all())).toEqual([`z@${FAR_MS}/${FAR_MS + SIZE_MS}=1`])
    const left = await collect(engine.entries({}))
    expect(left.filter(([key]) => key[5] === 0)).toHaveLength(1)
    await dispose()
  })

  test('times: 0 and near 2^53 are fine, negative and broken ones are misuse', async () => {
    const h = await fresh()
    h.store.put('a', '0', 0)
    expect(windows(h.store.fetch('a', { fromMs: -5 }))).toEqual(['0=0'])
    h.store.put('a', '1', Number.MAX_SAFE_INTEGER)
    expect(windows(h.store.fetch('a', {}))).toEqual([`${Number.MAX_SAFE_INTEGER}=1`])
    await h.commit()
    await h.abort()
    expect(windows(h.store.fetch('a', {}))).toEqual([`${Number.MAX_SAFE_INTEGER}=1`])
    expect(() => h.store.put('a', '1', -1)).toThrow(TypeError)
    expect(() => h.store.put('a', '1', 1.5)).toThrow(TypeError)
    expect(() => h.store.put(null as never, '1', Number.MAX_SAFE_INTEGER)).toThrow(TypeError)
    expect(() => h.store.fetch(undefined as never, {})).toThrow(TypeError)
  })
}

function changelogCases(subject: WindowSubject, fresh: () => Promise<StoreHarness<Store>>): void {
  test('changelog: key ‖ start ‖ number; the time is that of the value, of the record without one', async () => {
    const h = await fresh()
    h.at(7).store.put('k', 'v', 258)
    await h.commit()
    const [record] = h.takeChangelog()
    expect(asBuffer(record!.key!).toString('hex')).toBe(
      `6b0000000000000102${subject.retainDuplicates ? '00000001' : '00000000'}`,
    )
    expect(asBuffer(record!.value!).toString()).toBe('v')
    expect([record!.timestamp, record!.headers]).toEqual([7, []])
    h.at(9).store.put('k', null, 258)
    await h.commit()
    const deletion = h.takeChangelog()
    if (subject.retainDuplicates && subject.coalescing) return expect(deletion).toEqual([])
    expect(deletion.map(({ value, timestamp }) => [value, timestamp])).toEqual([[null, 9]])
    return undefined
  })

  test('changelog: without coalescing each put is a record, also one that is dropped or deletes nothing', async () => {
    const h = await fresh()
    h.store.put('a', '1', 200)
    h.store.put('a', '2', 200)
    h.store.put('b', null, 190)
    h.store.put('b', '3', 50)
    await h.commit()
    const values = h.takeChangelog().map(({ value }) => value && asBuffer(value).toString())
    const held = subject.caching && !subject.retainDuplicates
    const kept = subject.retainDuplicates ? ['1', '2'] : ['2']
    if (subject.coalescing) expect(values).toEqual(kept)
    else if (held) expect(values.toSorted()).toEqual(['2', '3', null])
    else expect(values).toEqual(['1', '2', null, '3'])
  })
}

function snapshotCases(fresh: () => Promise<StoreHarness<Store>>): void {
  test('iterating sees the moment of the call, whatever is put, committed or expires meanwhile', async () => {
    const h = await fresh()
    for (const start of [0, 10, 20]) for (const key of ['a', 'b']) h.store.put(key, `${key}${start}`, start)
    await h.commit()
    const before = rows(h.store.all())
    const forward = h.store.all()
    const backward = h.store.backwardAll()
    expect(rows([forward.next().value!])).toEqual([before[0]])
    h.store.put('aa', 'new', 10)
    h.store.put('c', 'new', 15)
    h.store.put('a', 'changed', 20)
    await h.commit()
    h.store.put('a', 'again', 20)
    h.store.put('z', 'far', 1000)
    await h.commit()
    expect(rows(forward)).toEqual(before.slice(1))
    expect(rows(backward)).toEqual(before.toReversed())
    expect(rows(h.store.all())).toEqual(['z@1000/1010=far'])
  })

  test('iterating: a loop that is left early, or never ended, does no harm', async () => {
    const h = await fresh()
    for (let i = 0; i < 10; i += 1) h.store.put('a', `${i}`, i)
    for (const row of h.store.all()) {
      expect(row[1]).toBe('0')
      break
    }
    h.store.all().next()
    h.store.put('a', 'x', 50)
    expect(rows(h.store.fetchAll({ fromMs: 9 }))).toEqual(['a@9/19=9', 'a@50/60=x'])
  })
}

function commitCases(subject: WindowSubject, fresh: () => Promise<StoreHarness<Store>>): void {
  test('uncommittedBytes: grows with writes, is nothing after the commit', async () => {
    const h = await fresh()
    h.store.put('a', 'x'.repeat(1000), 0)
    expect(h.store.uncommittedBytes).toBeGreaterThan(1000)
    h.store.put('b', null, 0)
    await h.commit()
    expect(h.store.uncommittedBytes).toBe(0)
  })

  test('writes go on while a commit is under way, and belong to the next', async () => {
    const { engine, dispose } = await subject.openEngine()
    const h = await open(subject, engine)
    h.store.put('a', '1', 0)
    h.flushAndPrepare()
    h.store.put('b', '2', 0)
    const batch = new WriteBatch()
    h.store.stage(batch)
    h.store.put('c', '3', 0)
    h.store.put('z', '4', 1000)
    await engine.write(batch)
    h.store.staged()
    const view = readOnlyWindowView<string, string>(h.store, { isolation: 'latest' })
    expect(rows(await collect(view.all()))).toEqual(['z@1000/1010=4'])
    await h.abort()
    expect(rows(h.store.all())).toEqual(['a@0/10=1'])
    await dispose()
  })

  test('after close every call says STORE_CLOSED', async () => {
    const h = await fresh()
    const view = readOnlyWindowView<string, string>(h.store, { isolation: 'latest' })
    h.store.close()
    const closed = expect.objectContaining({ code: 'STORE_CLOSED' })
    expect(() => h.store.put('a', '1', 0)).toThrow(closed)
    expect(() => h.store.all()).toThrow(closed)
    expect(() => view.all()).toThrow(closed)
    h.store.staged()
  })
}

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly value: string | null; readonly start: number }
  | { readonly kind: 'fetch'; readonly key: string; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'commit' | 'abort' | 'flush' | 'rebuild' }

function propertyCases(subject: WindowSubject): void {
  const key = fc.constantFrom('', 'a', 'aa', 'b', 'é')
  const start = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 250 }) },
    { weight: 1, arbitrary: fc.integer({ min: FAR_MS, max: FAR_MS + 200 }) },
  )
  const value = fc.oneof(
    { weight: 3, arbitrary: fc.string({ maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  )
  const step = fc.oneof(
    { weight: 12, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value, start }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('fetch' as const), key, fromMs: start, toMs: start }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('commit' as const, 'flush' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('abort' as const, 'rebuild' as const) }) },
  )
  test('against a naive list: random puts, fetches, commits, aborts and restores from the changelog', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), steps => run(subject, steps)),
      { numRuns: subject.engine === 'level' ? 6 : 40 },
    )
  })
}

async function run(subject: WindowSubject, steps: readonly Step[]): Promise<void> {
  const opened = [await subject.openEngine()]
  let h = await open(subject, opened[0]!.engine)
  let naive = new NaiveWindows(RETENTION_MS, subject.retainDuplicates)
  let committed = naive.copy()
  const log: ChangelogRecord[] = []
  for (const step of steps) {
    if (step.kind === 'put') {
      h.store.put(step.key, step.value, step.start)
      naive.put(step.key, step.value, step.start)
    } else if (step.kind === 'fetch') {
      const { key, fromMs, toMs } = step
      const expected = naive.ofKey(key, fromMs, toMs).map(([at, value]) => `${at}=${value}`)
      expect(windows(h.store.fetch(key, { fromMs, toMs }))).toEqual(expected)
      expect(windows(h.store.backwardFetch(key, { fromMs, toMs }))).toEqual(expected.toReversed())
      if (!subject.retainDuplicates)
        expect(h.store.fetch(key, fromMs)).toBe(naive.ofKey(key, fromMs, fromMs)[0]?.[1])
    } else if (step.kind === 'flush') {
      h.store.flush()
    } else if (step.kind === 'commit') {
      await h.commit()
      log.push(...h.takeChangelog())
      committed = naive.committedOver(committed)
    } else {
      if (step.kind === 'abort') await h.abort()
      else {
        h.store.close()
        opened.push(await subject.openEngine())
        h = await open(subject, opened.at(-1)!.engine)
        await h.restore(log)
        // The latest start is what the changelog shows: with coalescing, a deletion of what was not there is
        // not in it.
        if (subject.coalescing) committed.observeOnly(Math.max(-1, ...log.map(startOf)))
      }
      h.takeChangelog()
      naive = committed.copy()
    }
    if (step.kind !== 'put' && step.kind !== 'fetch') await compare(h.store, naive, committed)
  }
  await compare(h.store, naive, committed)
  for (const { dispose } of opened) await dispose()
}

/** A changelog key is `key ‖ start (8) ‖ number of the duplicate (4)`. */
function startOf({ key }: ChangelogRecord): number {
  return Number(asBuffer(key!).readBigInt64BE(key!.length - 12))
}

async function compare(store: Store, naive: NaiveWindows, committed: NaiveWindows): Promise<void> {
  const expected = shown(naive.rows())
  expect(rows(store.all())).toEqual(expected)
  expect(rows(store.backwardAll())).toEqual(expected.toReversed())
  const starts: TimeRange = { fromMs: 50, toMs: FAR_MS + 50 }
  const some = naive.rows().filter(([k, at]) => k >= 'a' && k <= 'b' && at >= 50 && at <= FAR_MS + 50)
  expect(rows(store.fetchRange({ from: 'a', to: 'b' }, starts))).toEqual(shown(some))
  const latest = readOnlyWindowView<string, string>(store, { isolation: 'latest' })
  expect(rows(await collect(latest.backwardFetchRange({ from: 'a', to: 'b' }, starts)))).toEqual(
    shown(some).toReversed(),
  )
  // What the latest time has ended is not shown as committed either.
  const left = shown(committed.rows().filter(([, at]) => naive.isLive(at)))
  const view = readOnlyWindowView<string, string>(store, { isolation: 'committed' })
  expect(rows(await collect(view.all()))).toEqual(left)
  expect(windows(await collect(view.fetch('a', {})))).toEqual(
    committed
      .ofKey('a', 0, Infinity)
      .filter(([at]) => naive.isLive(at))
      .map(([at, value]) => `${at}=${value}`),
  )
}

function shown(all: readonly Row[]): string[] {
  return all.map(([key, start, value]) => `${key}@${start}/${start + SIZE_MS}=${value}`)
}

function title(subject: WindowSubject): string {
  const kind = `${subject.timestamped ? 'timestamped' : 'plain'}${subject.retainDuplicates ? ' with duplicates' : ''}`
  const small = subject.readCacheBytesMax === undefined ? '' : ', tiny read cache'
  return `window store: ${kind} over ${subject.engine}, caching ${subject.caching}, coalescing ${subject.coalescing}${small}`
}
