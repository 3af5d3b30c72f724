import { describe, expect, test } from 'vitest'
import type { Windowed } from '../../lib/common/windowed.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import type { CachedStore } from '../../lib/store/contract/key-value-store.ts'
import type { StateStore } from '../../lib/store/contract/state-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { StoreHarness } from './store-harness.ts'

const text = { name: 'store', keySerde: serdes.string(), valueSerde: serdes.string() }

function windowStore(caching = true) {
  return stores.windowStore({ ...text, retentionMs: 100, windowSizeMs: 10, caching })
}

interface Options {
  readonly cacheBytesMax?: number
  readonly coalescing?: boolean
  readonly sendOldValues?: boolean
}

/**
 * The harness of a store whose listener writes down what it is told, with the time of the record it is told
 * for.
 */
async function listening<S extends StateStore & CachedStore<Windowed<string>, string>>(
  builder: Parameters<typeof StoreHarness.open<S>>[0],
  { cacheBytesMax = 1_000_000, coalescing = true, sendOldValues = true }: Options = {},
) {
  const h = await StoreHarness.open(builder, { engine: openMemoryEngine(), coalescing, cacheBytesMax })
  const told: string[] = []
  const holdsBack = h.store.setFlushListener(
    ({ key, window }, newValue, oldValue, timestamp) => {
      expect(h.recordContext().timestamp).toBe(timestamp)
      told.push(`${key}@${window.startMs}/${window.endMs} ${oldValue}→${newValue} ${timestamp}`)
    },
    { sendOldValues },
  )
  return { h, told, holdsBack }
}

describe('caching of windows', () => {
  test('without caching, or without room, nothing is held back', async () => {
    expect((await listening(windowStore(false))).holdsBack).toBe(false)
    expect((await listening(windowStore(), { cacheBytesMax: 0 })).holdsBack).toBe(false)
  })

  test('each window is told once a commit, with the last value and record, in the order of the last puts', async () => {
    const { h, told } = await listening(windowStore())
    h.at(1).store.put('a', '1', 0)
    h.at(2).store.put('b', '1', 0)
    h.at(3).store.put('a', '1', 10)
    h.at(4).store.put('a', '2', 0)
    expect(told).toEqual([])
    expect(h.store.fetch('a', 0)).toBe('2')
    await h.commit()
    expect(told.splice(0)).toEqual(['b@0/10 undefined→1 2', 'a@10/20 undefined→1 3', 'a@0/10 undefined→2 4'])
    h.at(5).store.put('a', '3', 0)
    h.at(6).store.put('b', null, 0)
    await h.commit()
    expect(told).toEqual(['a@0/10 2→3 5', 'b@0/10 1→undefined 6'])
  })

  test('what comes and goes between two commits is not told, nor logged', async () => {
    const { h, told } = await listening(windowStore(), { coalescing: false })
    h.store.put('a', '1', 0)
    h.store.put('a', null, 0)
    h.store.put('b', null, 0)
    await h.commit()
    expect([told, h.takeChangelog()]).toEqual([[], []])
    expect(h.store.uncommittedBytes).toBe(0)
    expect([...h.store.all()]).toEqual([])
  })

  test('more than there is room for is told at once', async () => {
    const { h, told } = await listening(windowStore(), { cacheBytesMax: 400, sendOldValues: false })
    for (let start = 0; start < 10; start += 1) h.at(start).store.put('a', 'v', start)
    expect(told.length).toBeGreaterThan(4)
    expect(told[0]).toBe('a@0/10 undefined→v 0')
  })

  test('a window that retention ends while it is held back is still told, and not written', async () => {
    const { h, told } = await listening(windowStore())
    h.at(1).store.put('a', '1', 0)
    h.at(2).store.put('a', '2', 500)
    expect(h.store.fetch('a', 0)).toBeUndefined()
    await h.commit()
    expect(told).toEqual(['a@0/10 undefined→1 1', 'a@500/510 undefined→2 2'])
    expect(h.takeChangelog()).toHaveLength(1)
    expect(h.store.uncommittedBytes).toBe(0)
  })

  test('a listener that writes to the store is told of that, too', async () => {
    const h = await StoreHarness.open(windowStore(), { engine: openMemoryEngine(), cacheBytesMax: 1_000_000 })
    const told: string[] = []
    h.store.setFlushListener(
      ({ key, window }, value) => {
        told.push(`${key}@${window.startMs}=${value}`)
        if (window.startMs < 3) h.store.put(key, `${value}+`, window.startMs + 1)
      },
      { sendOldValues: false },
    )
    h.store.put('a', 'v', 0)
    await h.commit()
    expect(told).toEqual(['a@0=v', 'a@1=v+', 'a@2=v++', 'a@3=v+++'])
    expect(h.takeChangelog()).toHaveLength(4)
  })
})

describe('caching of sessions', () => {
  test('a session that grows is told as the old one going and the new one coming', async () => {
    const { h, told } = await listening(stores.sessionStore({ ...text, retentionMs: 100, caching: true }))
    const session = (startMs: number, endMs: number) => ({ key: 'a', window: { startMs, endMs } })
    h.at(5).store.put(session(5, 5), '1')
    await h.commit()
    told.splice(0)
    h.at(7).store.remove(session(5, 5))
    h.store.put(session(5, 7), '2')
    h.at(9).store.remove(session(5, 7))
    h.store.put(session(5, 9), '3')
    await h.commit()
    expect(told).toEqual(['a@5/5 1→undefined 7', 'a@5/9 undefined→3 9'])
  })
})

describe('builders', () => {
  test('windows and sessions: what cannot be is said at once', () => {
    const code = (expected: string) => expect.objectContaining({ code: expected })
    const windows = (retentionMs: number, windowSizeMs: number) => () =>
      stores.windowStore({ ...text, retentionMs, windowSizeMs })
    expect(windows(-1, 0)).toThrow(code('INVALID_DURATION'))
    expect(windows(10, -5)).toThrow(code('INVALID_DURATION'))
    expect(windows(10, 1.5)).toThrow(code('INVALID_DURATION'))
    expect(windows(10, 11)).toThrow(code('RETENTION_TOO_SHORT'))
    expect(() => stores.sessionStore({ ...text, retentionMs: Number.NaN })).toThrow(code('INVALID_DURATION'))
    expect(() => stores.sessionStore({ ...text, name: 'a b', retentionMs: 1 })).toThrow(
      code('INVALID_STORE_NAME'),
    )
  })

  test('changelogs: compacted and deleted; duplicates have nothing to compact', () => {
    const options = { ...text, retentionMs: 100, windowSizeMs: 10 }
    const policy = (builder: { changelog: object | undefined }) => builder.changelog
    const kept = { config: {}, retentionMs: 100 }
    expect(policy(stores.windowStore(options))).toEqual({ ...kept, cleanupPolicy: 'compact,delete' })
    expect(policy(stores.sessionStore(options))).toEqual({ ...kept, cleanupPolicy: 'compact,delete' })
    expect(policy(stores.windowStore({ ...options, retainDuplicates: true }))).toEqual({
      ...kept,
      cleanupPolicy: 'delete',
    })
    expect(policy(stores.windowStore({ ...options, logging: false }))).toBeUndefined()
    expect(stores.windowStore({ ...options, caching: true, retainDuplicates: true }).caching).toBe(false)
  })
})
