import { describe, expect, test } from 'vitest'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Engine } from '../../lib/store/engine/engine.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import { recordBufferBuilder, type RecordBuffer } from '../../lib/store/operator/record-buffer.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { StoreHarness } from './store-harness.ts'

const LAST_TIME = Number.MAX_SAFE_INTEGER

async function openBuffer(engine: Engine = openMemoryEngine()): Promise<StoreHarness<RecordBuffer>> {
  const text = serdes.string() as Serde<unknown>
  return StoreHarness.open(recordBufferBuilder({ name: 'waiting', keySerde: text, valueSerde: text }), {
    engine,
  })
}

function put(h: StoreHarness<RecordBuffer>, key: string, value: string, timestamp: number): void {
  h.at(timestamp).store.put(key, value, h.recordContext())
}

function emitted(h: StoreHarness<RecordBuffer>, timeMs: number): string[] {
  const found: string[] = []
  h.store.setListener((key, value, { timestamp }) => {
    expect(h.recordContext().timestamp).toBe(timestamp)
    found.push(`${String(key)}${String(value)}@${timestamp}`)
  })
  h.store.emitUpTo(timeMs)
  return found
}

describe('record buffer', () => {
  test('records leave in the order of their times, then keys, then arrival, each as the record being processed', async () => {
    const h = await openBuffer()
    put(h, 'b', '1', 20)
    put(h, 'a', '2', 30)
    put(h, 'ab', '3', 10)
    put(h, 'a', '4', 10)
    put(h, 'a', '5', 10)
    expect(emitted(h, 9)).toEqual([])
    expect(emitted(h, 20)).toEqual(['a4@10', 'a5@10', 'ab3@10', 'b1@20'])
    expect(emitted(h, 20)).toEqual([])
    expect(emitted(h, LAST_TIME)).toEqual(['a2@30'])
  })

  test('an abort brings records back, and the time and numbers of the commit with them', async () => {
    const h = await openBuffer()
    put(h, 'a', '1', 10)
    await h.commit()
    put(h, 'a', '2', 10)
    put(h, 'z', '3', LAST_TIME)
    emitted(h, LAST_TIME)
    await h.abort()
    expect(h.store.observedMs).toBe(10)
    put(h, 'a', '4', 10)
    expect(emitted(h, 10)).toEqual(['a1@10', 'a4@10'])
  })

  test('a restore from the changelog goes on where the buffer was, without a number twice', async () => {
    const h = await openBuffer()
    put(h, 'a', '1', 10)
    put(h, 'a', '2', 10)
    put(h, 'b', '3', 40)
    await h.commit()
    expect(emitted(h, 5)).toEqual([])
    const other = await openBuffer()
    await other.restore(h.takeChangelog())
    expect(other.store.observedMs).toBe(40)
    put(other, 'a', '4', 10)
    expect(emitted(other, 10)).toEqual(['a1@10', 'a2@10', 'a4@10'])
    await other.commit()
    await other.abort()
    expect(emitted(other, 50)).toEqual(['b3@40'])
  })

  test('a jump of time to its end costs one look at what is there', async () => {
    const h = await openBuffer()
    put(h, 'a', '1', 0)
    put(h, 'a', '2', LAST_TIME)
    expect(emitted(h, LAST_TIME - 5)).toEqual(['a1@0'])
    await h.commit()
    expect(emitted(h, LAST_TIME)).toEqual([`a2@${LAST_TIME}`])
  })
})
