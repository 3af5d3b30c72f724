import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OutgoingRecord, RawRecord } from '../../lib/broker/broker.ts'
import { FetchedRecords } from '../../lib/broker/kafka/client/fetch/fetched-records.ts'
import { codecOf } from '../../lib/broker/kafka/protocol/records/codecs.ts'
import { OutgoingBatch, recordBytesMax } from '../../lib/broker/kafka/client/produce/outgoing-batch.ts'
import { SlabPool } from '../../lib/broker/kafka/client/produce/slab-pool.ts'
import { splitBatch } from '../../lib/broker/kafka/client/produce/split-batch.ts'
import { encodeBatch } from './batch-encoder.ts'

const place = { topic: 't', partition: 0 }
const identity = { producerId: 77, epoch: 3 }
const outgoing = (rest: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  ...place,
  key: null,
  value: null,
  timestamp: 1_000,
  headers: [],
  ...rest,
})

function batchOf(records: readonly OutgoingRecord[], pool = new SlabPool(1 << 20)): OutgoingBatch {
  const batch = new OutgoingBatch(1, 0, pool, 1)
  for (const record of records) {
    const bytesMax = recordBytesMax(record)
    expect(batch.append(record, bytesMax)).toBeLessThanOrEqual(bytesMax)
  }
  return batch
}

function sealed(batch: OutgoingBatch, { codec = 'none', sequence = 5, isTransactional = true } = {}): Buffer {
  batch.seal(codecOf(codec)!)
  batch.stamp(identity, sequence, isTransactional)
  return batch.wireBytes
}

function read(bytes: Buffer): RawRecord[] {
  const span = { buffer: bytes, start: 0, end: bytes.length, offset: 0, logEnd: Number.MAX_SAFE_INTEGER }
  const all = new FetchedRecords(span, { aborted: undefined, checkCrc: true })
  const records: RawRecord[] = []
  while (!all.isEmpty) all.readInto(records, 1_000)
  return records
}

/** Strings are compared faster than bytes. */
const text = (each: Uint8Array | null) => each && Buffer.from(each).toString('latin1')
const plain = ({ key, value, timestamp, headers }: RawRecord | OutgoingRecord) => ({
  key: text(key),
  value: text(value),
  timestamp,
  headers: headers.map(header => ({ key: header.key, value: text(header.value) })),
})

const bytes = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 70 }),
    fc.integer({ min: 60, max: 20_000 }).map(length => Buffer.alloc(length, length)),
  ),
  { nil: null },
)
const anyRecord = fc.record({
  topic: fc.constant('t'),
  partition: fc.constant(0),
  key: bytes,
  value: bytes,
  timestamp: fc.oneof(
    fc.integer({ min: 0, max: 2_000_000_000 }),
    fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    fc.constantFrom(0, Number.MAX_SAFE_INTEGER, 2 ** 30, 2 ** 31),
  ),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 40 }), value: bytes }), { maxLength: 4 }),
})

describe('the record batches of a produce request', () => {
  test.each(['none', 'gzip', 'snappy'])('are read back as they were written (%s)', codec => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 20 }), records => {
        const readBack = read(sealed(batchOf(records), { codec }))
        expect(readBack.map(plain)).toEqual(records.map(plain))
        expect(readBack.map(({ offset }) => offset)).toEqual(records.map((_, index) => index))
      }),
      { numRuns: 60 },
    )
  })

  test('are bit for bit what the specification says', () => {
    const records = [
      outgoing({ key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 5_000 }),
      outgoing({ value: Buffer.alloc(0), timestamp: 4_000, headers: [{ key: 'ü', value: null }] }),
      outgoing({ key: Buffer.alloc(0), value: Buffer.alloc(300, 7), timestamp: 5_001 }),
    ]
    const written = sealed(batchOf(records), { sequence: 9 })
    const expected = encodeBatch({
      records: records.map((record, offset) => ({
        ...record,
        key: record.key && Buffer.from(record.key),
        value: record.value && Buffer.from(record.value),
        offset,
      })),
      isTransactional: true,
      producerId: 77,
      leaderEpoch: -1,
    })
    // The encoder of the tests knows neither epochs, nor sequences, nor the greatest timestamp; the checksum
    // depends on them.
    expect(written.readBigInt64BE(35)).toBe(5_001n)
    expect(written.readInt16BE(51)).toBe(3)
    expect(written.readInt32BE(53)).toBe(9)
    for (const [from, to] of [
      [17, 21],
      [35, 43],
      [51, 57],
    ] as const) {
      expected.copy(written, from, from, to)
    }
    expect(written).toEqual(expected)
  })

  test('many records, past the sizes at which numbers need more bytes', () => {
    const records = Array.from({ length: 20_000 }, (_, at) =>
      outgoing({ value: Buffer.from(String(at)), timestamp: 1_700_000_000_000 + at * (at % 2 ? -1 : 1) }),
    )
    expect(read(sealed(batchOf(records))).map(plain)).toEqual(records.map(plain))
  })

  test('two halves of a split batch hold what the whole held', () => {
    const records = Array.from({ length: 7 }, (_, at) =>
      outgoing({
        key: Buffer.from(`k${at}`),
        timestamp: at,
        headers: [{ key: 'h', value: Buffer.from([at]) }],
      }),
    )
    const pool = new SlabPool(1 << 20)
    const whole = batchOf(records, pool)
    sealed(whole)
    const halves = splitBatch(whole, place, size => new OutgoingBatch(1, 0, pool, size))
    expect(halves.map(({ count }) => count)).toEqual([4, 3])
    expect(halves.flatMap(half => read(sealed(half))).map(plain)).toEqual(records.map(plain))
  })

  test('memory that comes back is used again, up to a bound', () => {
    const pool = new SlabPool(10_000)
    const [first, second] = [pool.take(5_000), pool.take(5_000)]
    expect(first).toHaveLength(8_192)
    pool.give(first)
    pool.give(second)
    expect(pool.take(8_000)).toBe(first)
    expect(pool.take(8_000)).not.toBe(second)
  })
})
