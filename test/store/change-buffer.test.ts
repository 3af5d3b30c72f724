import { describe, expect, it } from 'vitest'
import { hex, utf8 } from '../../lib/common/bytes.ts'
import type { Header } from '../../lib/common/headers.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import type { ChangelogRecord } from '../../lib/store/contract/state-store.ts'
import { changeBufferBuilder } from '../../lib/store/operator/change-buffer-builder.ts'
import type { ChangeBuffer } from '../../lib/store/operator/change-buffer.ts'
import { readChangelogRecord } from '../../lib/store/operator/change-format.ts'
import { StoreHarness } from './store-harness.ts'

function open(options: { readonly coalescing?: boolean } = {}): Promise<StoreHarness<ChangeBuffer>> {
  const text = serdes.string() as never
  const builder = changeBufferBuilder({ name: 'held', keySerde: text, valueSerde: text, logging: undefined })
  return StoreHarness.open(builder, { engine: openMemoryEngine(), ...options })
}

function put(
  harness: StoreHarness<ChangeBuffer>,
  timeMs: number,
  key: string,
  value: string | null,
  old: string | null,
): void {
  harness.store.put(timeMs, key, value, old, harness.recordContext())
}

/** All that waits, in the order in which it would leave. */
function emptied(harness: StoreHarness<ChangeBuffer>): unknown[] {
  const found: unknown[] = []
  harness.store.setListener((key, newValue, oldValue, { timestamp }) =>
    found.push([key, newValue, oldValue, timestamp, harness.recordContext().timestamp]),
  )
  while (harness.store.count > 0) harness.store.emitFirst()
  return found
}

describe('store: the buffer of suppress', () => {
  it('keeps the place and the prior value of a first change, and all else of the last', async () => {
    const harness = await open()
    put(harness.at(5), 5, 'b', 'b1', 'b0')
    put(harness.at(6), 6, 'a', 'a1', null)
    put(harness.at(7), 7, 'b', 'b2', 'b1')
    expect(harness.store.priorValue('b')).toBe('b0')
    expect(harness.store.priorValue('a')).toBeNull()
    expect(harness.store.priorValue('c')).toBeUndefined()
    expect(harness.store.firstTimeMs).toBe(5)
    // The record being processed is meanwhile the one that made the change.
    expect(emptied(harness)).toEqual([
      ['b', 'b2', 'b1', 7, 7],
      ['a', 'a1', null, 6, 6],
    ])
    expect([harness.store.count, harness.store.sizeBytes]).toEqual([0, 0])
  })

  it('counts bytes as Kafka Streams: an old value that equals the prior one once', async () => {
    const harness = await open()
    put(harness.at(1), 1, 'key', 'new', 'old')
    // Topic "in", 28 bytes for numbers, the key, the two values.
    expect(harness.store.sizeBytes).toBe(2 + 28 + 3 + 3 + 3)
    put(harness.at(2, [{ key: 'h', value: utf8('xy') }]), 2, 'key', null, 'other')
    expect(harness.store.sizeBytes).toBe(2 + 28 + 3 + 3 + 5 + 3)
  })

  it('is written once a commit, and not at all what came and left within one', async () => {
    const harness = await open()
    put(harness.at(1), 1, 'a', '1', null)
    put(harness.at(2), 2, 'b', '1', null)
    put(harness.at(3), 3, 'b', '2', '1')
    harness.store.emitFirst()
    await harness.commit()
    expect(harness.takeChangelog().map(({ key }) => key && hex(key))).toEqual([hex(utf8('b'))])
    harness.store.emitFirst()
    put(harness.at(4), 4, 'b', '3', '2')
    harness.store.emitFirst()
    await harness.commit()
    // The end of what the changelog had: without it, a restart would send it again.
    expect(harness.takeChangelog().map(({ value }) => value)).toEqual([null])
    await harness.commit()
    expect(harness.takeChangelog()).toEqual([])
  })

  it('goes back with an abort, and forth with a commit', async () => {
    const harness = await open()
    put(harness.at(1), 1, 'a', 'kept', null)
    await harness.commit()
    put(harness.at(2), 2, 'b', 'taken back', null)
    harness.store.emitFirst()
    await harness.abort()
    expect(harness.store.sizeBytes).toBeGreaterThan(0)
    expect(emptied(harness)).toEqual([['a', 'kept', null, 1, 1]])
    await harness.commit()
    await harness.abort()
    expect(harness.store.count).toBe(0)
  })

  it('comes back from the changelog, with headers and the end of an unlimited window', async () => {
    const lost = await open()
    const headers: Header[] = [
      { key: 'h', value: utf8('x') },
      { key: 'none', value: null },
    ]
    put(lost.at(1), 1, 'gone', '1', null)
    await lost.commit()
    lost.store.emitFirst()
    put(lost.at(3, headers), 2 ** 63, 'a', 'new', 'old')
    await lost.commit()
    const harness = await open()
    await harness.restore(lost.takeChangelog())
    await harness.abort()
    expect(harness.store.firstTimeMs).toBe(2 ** 63)
    expect(harness.store.priorValue('a')).toBe('old')
    let found: unknown
    harness.store.setListener((...change) => (found = change))
    harness.store.emitFirst()
    const context = {
      topic: 'in',
      partition: 0,
      offset: 2,
      timestamp: 3,
      headers: expect.anything() as unknown,
    }
    expect(found).toEqual(['a', 'new', 'old', context])
    expect(
      (found as { headers: Header[] }[])[3]?.headers.map(({ key, value }) => [key, value && hex(value)]),
    ).toEqual([
      ['h', '78'],
      ['none', null],
    ])
  })
})

describe('store: what older versions of Kafka Streams wrote into the changelog of a suppression', () => {
  const int32 = (value: number) => Buffer.from(Int32Array.of(value).buffer).swap32()
  const int64 = (value: number) => Buffer.from(BigInt64Array.of(BigInt(value)).buffer).swap64()
  const sized = (text: string) => Buffer.concat([int32(text.length), utf8(text)])
  const context = Buffer.concat([int64(7), int64(8), sized('t'), int32(3), int32(0)])
  const values = Buffer.concat([sized('old'), sized('new')])
  const contextOfRecord = { topic: 't', partition: 3, offset: 8, timestamp: 7, headers: [] }
  const record = (value: Uint8Array, version?: number): ChangelogRecord => ({
    key: utf8('k'),
    value,
    timestamp: 9,
    headers: version === undefined ? [] : [{ key: 'v', value: Uint8Array.of(version) }],
  })
  const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString()
  const read = (changelogRecord: ChangelogRecord) => {
    const { oldValue, newValue, priorValue, ...rest } = readChangelogRecord(changelogRecord, undefined)
    return { ...rest, values: [text(priorValue), text(oldValue), text(newValue)] }
  }

  it('is read: 0, the record is its own context', () => {
    expect(read(record(Buffer.concat([int64(5), values])))).toMatchObject({
      timeMs: 5,
      values: ['old', 'old', 'new'],
      context: { timestamp: 9, topic: undefined },
    })
  })

  it('is read: 1, with a context', () => {
    const bytes = Buffer.concat([int64(5), context, int32(values.length), values])
    expect(read(record(bytes, 1))).toEqual({
      timeMs: 5,
      values: ['old', 'old', 'new'],
      context: contextOfRecord,
    })
  })

  it('is read: 2, with a prior value', () => {
    const bytes = Buffer.concat([context, int32(values.length), values, sized('prior'), int64(5)])
    expect(read(record(bytes, 2))).toEqual({
      timeMs: 5,
      values: ['prior', 'old', 'new'],
      context: contextOfRecord,
    })
  })

  it.each([2, 3])('is read: 3, which some releases call 2 (called %i)', version => {
    const same = Buffer.concat([context, sized('old'), int32(-2), sized('new'), int64(5)])
    const expected = { timeMs: 5, values: ['old', 'old', 'new'], context: contextOfRecord }
    expect(read(record(same, version))).toEqual(expected)
    const none = Buffer.concat([context, int32(-1), int32(-1), int32(-1), int64(5)])
    expect(read(record(none, version)).values).toEqual([null, null, null])
  })

  it.each([
    [Uint8Array.of(1, 2), undefined],
    [context, 3],
    [context, 2],
    [context, 4],
  ])('is refused: %o as version %s', (bytes, version) => {
    expect(() => read(record(bytes, version))).toThrow(
      expect.objectContaining({ code: 'MALFORMED_SUPPRESSION' }),
    )
  })
})
