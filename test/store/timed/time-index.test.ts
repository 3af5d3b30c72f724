import { describe, expect, test } from 'vitest'
import { serdes } from '../../../lib/serde/serdes.ts'
import type { BufferedWindowStore } from '../../../lib/store/windows/buffered-window-store.ts'
import { openMemoryEngine } from '../../../lib/store/engine/memory-engine.ts'
import { stores } from '../../../lib/store/builders/stores.ts'
import { TimeIndex } from '../../../lib/store/windows/time-index.ts'
import { StoreHarness } from '../store-harness.ts'

async function harness() {
  const options = { name: 's', keySerde: serdes.string(), valueSerde: serdes.string() }
  const builder = stores.windowStore({ ...options, retentionMs: 100, windowSizeMs: 10 })
  const h = await StoreHarness.open(builder, { engine: openMemoryEngine() })
  const size = () =>
    (h.store as unknown as BufferedWindowStore<string, string>).entries.resources().index.size
  return { h, size }
}

describe('index of windows', () => {
  test('a deleted window leaves it once the deletion is in the engine', async () => {
    const { h, size } = await harness()
    for (let i = 0; i < 50; i += 1) h.store.put(`k${i}`, 'x', 10)
    await h.commit()
    for (let i = 0; i < 50; i += 1) h.store.put(`k${i}`, null, 10)
    expect(size()).toBe(50)
    await h.commit()
    expect(size()).toBe(0)
  })

  test('an expired window is neither kept nor logged nor written', async () => {
    const { h, size } = await harness()
    h.store.put('a', '1', 0)
    h.store.put('b', '2', 1000)
    expect(size()).toBe(1)
    await h.commit()
    expect(h.takeChangelog()).toHaveLength(1)
  })

  test('two iterators at once, and keys that come before where one of them is', async () => {
    const { h } = await harness()
    for (const key of ['b', 'c', 'd']) h.store.put(key, key, 0)
    const first = h.store.all()
    expect([first.next().value?.[1], first.next().value?.[1]]).toEqual(['b', 'c'])
    for (const key of ['a', 'aa']) h.store.put(key, key, 0)
    expect(Array.from(h.store.all(), ([, value]) => value)).toEqual(['a', 'aa', 'b', 'c', 'd'])
    expect(Array.from(first, ([, value]) => value)).toEqual(['d'])
  })

  test('a key that leaves a time and comes back is there once', () => {
    const index = new TimeIndex()
    index.insertBare('a', 20, 0)
    index.insertBare('b', 10, 0)
    for (let round = 0; round < 40; round += 1) {
      index.insertBare('a', 10, 0)
      const key = index.findById('a', undefined)!
      index.remove(key, key.find(10, 0))
    }
    index.insertBare('a', 10, 0)
    const all = index.snapshot({ fromTime: 0, toTime: 100, reverse: false })!
    expect(Array.from(all.slots(), ({ key, time }) => `${key.id}@${time}`)).toEqual(['a@10', 'b@10', 'a@20'])
    expect(index.watched).toBe(false)
  })

  test('expiry tells of each slot once, and leaves nothing to go through', () => {
    const index = new TimeIndex()
    for (let time = 0; time < 5; time += 1) for (const id of ['a', 'b']) index.insertBare(id, time, 0)
    const gone: string[] = []
    index.expire(2 ** 53, (key, { time }) => gone.push(`${key.id}@${time}`))
    expect(gone).toHaveLength(10)
    expect(new Set(gone).size).toBe(10)
    expect([index.size, index.findById('a', 'a')]).toEqual([0, undefined])
    expect(index.snapshot({ fromTime: 0, toTime: Infinity, reverse: false })).toBeUndefined()
  })
})
