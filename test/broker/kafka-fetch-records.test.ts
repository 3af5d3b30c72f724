import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RawRecord } from '../../lib/broker/broker.ts'
import { FetchedRecords } from '../../lib/broker/kafka/client/fetch/fetched-records.ts'
import type { AbortedTransaction } from '../../lib/broker/kafka/client/fetch/fetch-response.ts'
import { MalformedError } from '../../lib/broker/kafka/protocol/malformed-error.ts'
import type { BatchToEncode, RecordToEncode } from './batch-encoder.ts'
import { encodeBatch, encodeMarker } from './batch-encoder.ts'

interface Reading {
  readonly offset?: number
  readonly aborted?: readonly AbortedTransaction[]
  /** How many records at a time. */
  readonly step?: number
  readonly checkCrc?: boolean
}

function fetched(bytes: Buffer, { offset = 0, aborted, checkCrc = true }: Reading = {}): FetchedRecords {
  // Not at the start of its buffer, as in a response.
  const buffer = Buffer.concat([Buffer.alloc(7, 0xee), bytes, Buffer.alloc(5, 0xee)])
  const span = { buffer, start: 7, end: 7 + bytes.length, offset, logEnd: Number.MAX_SAFE_INTEGER }
  return new FetchedRecords(span, { aborted, checkCrc })
}

function read(bytes: Buffer, reading: Reading = {}): { records: RawRecord[]; position: number } {
  const all = fetched(bytes, reading)
  const records: RawRecord[] = []
  while (!all.isEmpty) all.readInto(records, reading.step ?? 1_000)
  return { records, position: all.position }
}

function offsets(bytes: Buffer, reading: Reading = {}): number[] {
  return read(bytes, reading).records.map(({ offset }) => offset)
}

const value = (text: string) => Buffer.from(text)
const batchOf = (offset: number, count: number, rest: Partial<BatchToEncode> = {}) =>
  encodeBatch({
    records: Array.from({ length: count }, (_, index) => ({
      offset: offset + index,
      value: value(`v${offset + index}`),
    })),
    ...rest,
  })

describe('the record batches of a fetch', () => {
  test('come out as they were written: any keys, values, headers, timestamps, compression, batch by batch', () => {
    const bytes = fc.option(
      fc.uint8Array({ maxLength: 300 }).map(each => Buffer.from(each)),
      { nil: null },
    )
    const record = fc.record({
      key: bytes,
      value: bytes,
      timestamp: fc.oneof(
        fc.integer({ min: 0, max: 2_000_000_000 }),
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        fc.constantFrom(0, Number.MAX_SAFE_INTEGER),
      ),
      headers: fc.array(fc.record({ key: fc.string(), value: bytes }), { maxLength: 3 }),
    })
    const batch = fc.record({
      records: fc.array(record, { maxLength: 20 }),
      gap: fc.integer({ min: 0, max: 3 }),
      compression: fc.constantFrom('none' as const, 'gzip' as const, 'snappy' as const, 'lz4' as const),
    })
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 5 }), fc.integer({ min: 1, max: 7 }), (batches, step) => {
        const expected: RecordToEncode[] = []
        let next = 0
        const encoded = batches.map(({ records, gap, compression }) => {
          const baseOffset = next
          const placed = records.map((each, index) => ({ ...each, offset: baseOffset + index * (gap + 1) }))
          expected.push(...placed)
          next = (placed.at(-1)?.offset ?? baseOffset) + 1 + gap
          return encodeBatch({ records: placed, baseOffset, lastOffset: next - 1, compression })
        })
        const { records, position } = read(Buffer.concat(encoded), { step })
        expect(records.map(plain)).toEqual(expected.map(plain))
        expect(position).toBe(next)
      }),
      { numRuns: 300 },
    )
  })

  test('reading begins in the middle of a batch, and steps over what compaction has left empty', () => {
    const bytes = Buffer.concat([
      batchOf(10, 5),
      encodeBatch({ records: [], baseOffset: 15, lastOffset: 19 }),
      batchOf(22, 1, { baseOffset: 20, lastOffset: 29 }),
    ])
    expect(read(bytes, { offset: 13 }).records.map(({ offset }) => offset)).toEqual([13, 14, 22])
    expect(read(bytes, { offset: 13 }).position).toBe(30)
    expect(offsets(batchOf(22, 1, { baseOffset: 20, lastOffset: 29 }), { offset: 23 })).toEqual([])
    const all = fetched(bytes, { offset: 12 })
    expect(all.nextOffset).toBe(30)
    const two: RawRecord[] = []
    all.readInto(two, 2)
    expect([two.map(({ offset }) => offset), all.position]).toEqual([[12, 13], 14])
  })

  test('the log’s append time stands for every record of its batch', () => {
    const bytes = batchOf(0, 2, { appendTime: 777 })
    expect(read(bytes).records.map(({ timestamp }) => timestamp)).toEqual([777, 777])
  })

  test('a batch that is cut off at the end is left for the next fetch, wherever it is cut', () => {
    const [whole, next] = [batchOf(0, 3), batchOf(3, 3)]
    for (let cut = 0; cut < next.length; cut += 1) {
      const bytes = Buffer.concat([whole, next.subarray(0, cut)])
      expect(offsets(bytes)).toEqual([0, 1, 2])
      expect(fetched(bytes).nextOffset).toBe(3)
    }
    expect(fetched(next.subarray(0, 40), { offset: 3 }).cutBatchBytes).toBe(next.length)
    expect(fetched(next.subarray(0, 11), { offset: 3 }).cutBatchBytes).toBeUndefined()
  })
})

describe('aborted transactions', () => {
  const [left, right] = [7, 8]
  const of = (producerId: number) => ({ producerId, isTransactional: true })

  test('are left out, others are not, and the position goes past their markers', () => {
    const bytes = Buffer.concat([
      batchOf(0, 2, of(left)),
      batchOf(2, 2, of(right)),
      batchOf(4, 1),
      encodeMarker(5, left, 'abort'),
      encodeMarker(6, right, 'commit'),
    ])
    const aborted = [{ producerId: left, firstOffset: 0 }]
    expect(offsets(bytes, { aborted })).toEqual([2, 3, 4])
    expect(read(bytes, { aborted }).position).toBe(7)
    expect(offsets(bytes)).toEqual([0, 1, 2, 3, 4])
    const one = fetched(bytes, { aborted })
    const records: RawRecord[] = []
    one.readInto(records, 3)
    expect([one.position, one.isEmpty]).toEqual([7, true])
  })

  test('several of one producer in one answer, with committed ones between, the list in any order', () => {
    const bytes = Buffer.concat([
      batchOf(0, 1, of(left)),
      encodeMarker(1, left, 'abort'),
      batchOf(2, 1, of(left)),
      encodeMarker(3, left, 'commit'),
      batchOf(4, 1, of(left)),
      encodeMarker(5, left, 'abort'),
      batchOf(6, 1, of(left)),
    ])
    const aborted = [
      { producerId: left, firstOffset: 4 },
      { producerId: left, firstOffset: 0 },
    ]
    expect(offsets(bytes, { aborted })).toEqual([2, 6])
  })

  test('whose marker lies in a later fetch, and which began before this one', () => {
    const aborted = [{ producerId: left, firstOffset: 0 }]
    expect(offsets(batchOf(3, 2, of(left)), { aborted, offset: 3 })).toEqual([])
    const rest = Buffer.concat([encodeMarker(5, left, 'abort'), batchOf(6, 1, of(left))])
    expect(offsets(rest, { aborted, offset: 5 })).toEqual([6])
  })

  test('of a producer that also writes without transactions', () => {
    const bytes = Buffer.concat([batchOf(0, 1, of(left)), batchOf(1, 1, { producerId: left })])
    expect(offsets(bytes, { aborted: [{ producerId: left, firstOffset: 0 }] })).toEqual([1])
  })
})

describe('bytes that make no sense', () => {
  const batch = (compression: BatchToEncode['compression']) =>
    encodeBatch({
      records: Array.from({ length: 8 }, (_, index) => ({
        offset: index,
        key: value(`key ${index % 3}`),
        value: value(`value ${index} `.repeat(6)),
        headers: [{ key: 'h', value: value('x') }],
      })),
      ...(compression ? { compression } : {}),
    })

  test.each(['none', 'gzip', 'snappy', 'lz4'] as const)(
    'a flipped byte under the checksum of a batch is found, wherever it is (%s)',
    compression => {
      const bytes = batch(compression)
      for (let at = 16; at < bytes.length; at += 1) {
        const mangled = Buffer.from(bytes)
        mangled[at]! ^= 1 << (at % 8)
        expect(() => read(mangled), `byte ${at}`).toThrow(MalformedError)
      }
    },
  )

  test.each(['none', 'gzip', 'snappy', 'lz4'] as const)(
    'without the checksum nothing worse than an error happens, and no number leaves its range (%s)',
    compression => {
      const bytes = batch(compression)
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { maxLength: 6 }),
          fc.nat({ max: bytes.length }),
          (flips, length) => {
            const mangled = Buffer.from(bytes)
            for (const [at, byte] of flips) mangled[at] = byte
            try {
              const { records } = read(mangled.subarray(0, length), { checkCrc: false })
              for (const each of records) {
                expect(Number.isSafeInteger(each.offset)).toBe(true)
                each.headers.forEach(header => expect(typeof header.key).toBe('string'))
              }
            } catch (reason) {
              expect(reason).toBeInstanceOf(MalformedError)
            }
          },
        ),
        { numRuns: 1_500 },
      )
    },
  )

  test('offsets that go back, formats before 2 and records past the end of their batch', () => {
    expect(() => fetched(Buffer.concat([batchOf(5, 2), batchOf(6, 2)]))).toThrow(/offsets 6 to 7 at 7/)
    expect(() => fetched(batchOf(0, 2), { offset: 9 })).toThrow(MalformedError)
    const old = batchOf(0, 1)
    old[16] = 1
    expect(() => fetched(old)).toThrow(/formats before 2 need fetch "native"/)
    const span = { buffer: batchOf(2 ** 40, 1), start: 0, end: batchOf(2 ** 40, 1).length, offset: 0 }
    expect(() => new FetchedRecords({ ...span, logEnd: 10 }, { aborted: undefined, checkCrc: true })).toThrow(
      MalformedError,
    )
  })
})

function plain({
  offset,
  key = null,
  value: bytes = null,
  timestamp,
  headers = [],
}: RecordToEncode | RawRecord) {
  const hex = (each: Uint8Array | null) => each && Buffer.from(each).toString('hex')
  return {
    offset,
    key: hex(key),
    value: hex(bytes),
    timestamp,
    // A lone surrogate has no place in UTF-8; what comes back is what was sent.
    headers: headers.map(header => [Buffer.from(header.key).toString(), hex(header.value)]),
  }
}
