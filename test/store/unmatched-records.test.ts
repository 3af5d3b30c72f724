import { describe, expect, it } from 'vitest'
import { hex } from '../../lib/common/bytes.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import { byteListSerde } from '../../lib/store/operator/byte-list-serde.ts'
import { unmatchedRecordsBuilder } from '../../lib/store/operator/unmatched-records-builder.ts'
import type { UnmatchedRecords } from '../../lib/store/operator/unmatched-records.ts'
import { StoreHarness } from './store-harness.ts'

const WAITS = { leftMs: 10, rightMs: 10 }

function open(options: { readonly coalescing?: boolean } = {}): Promise<StoreHarness<UnmatchedRecords>> {
  const text = serdes.string()
  const builder = unmatchedRecordsBuilder({
    name: 'waiting',
    keySerde: text,
    leftSerde: text,
    rightSerde: serdes.int64() as never,
    persistent: true,
    logging: undefined,
  })
  return StoreHarness.open(builder, { engine: openMemoryEngine(), ...options })
}

/** What leaves when stream time is at `timeMs`. */
function emitted(store: UnmatchedRecords, timeMs: number): unknown[] {
  const found: unknown[] = []
  store.advance(timeMs)
  store.emitClosed(WAITS.leftMs, WAITS, (...record) => found.push(record))
  return found
}

const shown = (
  changelog: readonly { readonly key: Uint8Array | null; readonly value: Uint8Array | null }[],
) => changelog.map(({ key, value }) => [key && hex(key), value && hex(value)])

describe('store: unmatched records', () => {
  it('leave by time, right before left, then key; several of one key and time in order of arrival', async () => {
    const { store } = await open()
    store.add('left', 'b', 5, 'l1')
    store.add('left', 'a', 5, 'l2')
    store.add('right', 'z', 5, 7)
    store.add('left', 'a', 5, 'l3')
    store.add('right', 'a', 3, 8)
    expect(emitted(store, 15)).toEqual([['right', 8, 'a', 3]])
    expect(emitted(store, 16)).toEqual([
      ['right', 7, 'z', 5],
      ['left', 'l2', 'a', 5],
      ['left', 'l3', 'a', 5],
      ['left', 'l1', 'b', 5],
    ])
    expect(store.countRecords()).toBe(0)
  })

  it('write the bytes of Kafka Streams: time, side and key; a list of side and value', async () => {
    const harness = await open({ coalescing: false })
    harness.store.add('left', 'a', 258, 'x')
    harness.store.add('left', 'a', 258, 'y')
    harness.store.add('right', 'a', 2 ** 53 - 1, 1)
    harness.store.remove('left', 'a', 258)
    harness.store.remove('left', 'a', 259)
    expect(shown(harness.changelog)).toEqual([
      ['00000000000001020161', '0100000001000000020178'],
      ['00000000000001020161', '0100000002000000020178000000020179'],
      ['001fffffffffffff0061', '010000000100000009000000000000000001'],
      ['00000000000001020161', null],
    ])
  })

  it('go back with an abort, and forth with a commit', async () => {
    const harness = await open()
    harness.store.add('left', 'a', 1, 'kept')
    harness.store.add('left', 'b', 1, 'matched later')
    await harness.commit()
    harness.store.remove('left', 'b', 1)
    harness.store.add('left', 'c', 2, 'taken back')
    await harness.abort()
    expect(emitted(harness.store, 50)).toEqual([
      ['left', 'kept', 'a', 1],
      ['left', 'matched later', 'b', 1],
    ])
    await harness.abort()
    expect(harness.store.countRecords()).toBe(2)
    emitted(harness.store, 50)
    await harness.commit()
    await harness.abort()
    expect(harness.store.countRecords()).toBe(0)
  })

  it('come back from the changelog', async () => {
    const lost = await open()
    lost.store.add('left', 'a', 1, 'x')
    lost.store.add('right', 'b', 2, 5)
    await lost.commit()
    lost.store.remove('left', 'a', 1)
    lost.store.add('left', 'c', 3, 'y')
    await lost.commit()
    const harness = await open()
    await harness.restore(lost.takeChangelog())
    await harness.abort()
    expect(emitted(harness.store, 50)).toEqual([
      ['right', 5, 'b', 2],
      ['left', 'y', 'c', 3],
    ])
  })

  it.each([
    '',
    '00',
    '0000000001',
    '0100000001',
    '010000000100000005ff',
    '01000000010000000000',
    '01ffffffff',
  ])('refuse a list of the bytes %s', inHex => {
    const bytes = Buffer.from(inHex, 'hex')
    expect(() => byteListSerde.deserialize(bytes, { topic: 't' })).toThrow(/are no list of bytes/)
  })
})
