import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { crc32c } from '@node-rs/crc32'
import { compress as compressSnappy } from 'snappyjs'
import type { Header } from '../../lib/common/headers.ts'

export interface RecordToEncode {
  readonly offset: number
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly timestamp?: number
  readonly headers?: readonly Header[]
}

export interface BatchToEncode {
  readonly records: readonly RecordToEncode[]
  /** Where compaction has taken records from the ends. */
  readonly baseOffset?: number
  readonly lastOffset?: number
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4'
  readonly producerId?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly appendTime?: number
  readonly leaderEpoch?: number
}

const COMPRESSIONS = {
  none: (bytes: Buffer): Buffer => bytes,
  gzip: (bytes: Buffer): Buffer => gzipSync(bytes),
  snappy: (bytes: Buffer): Buffer => compressSnappy(Buffer.from(bytes)) as Buffer,
  lz4: storedLz4Frame,
}

/** A record batch of format 2, written from the specification and with nothing of the code under test. */
export function encodeBatch(batch: BatchToEncode): Buffer {
  const { records, compression = 'none', producerId = -1, leaderEpoch = 0, appendTime } = batch
  const baseOffset = batch.baseOffset ?? records[0]?.offset ?? 0
  const lastOffset = batch.lastOffset ?? records.at(-1)?.offset ?? baseOffset
  const baseTimestamp = records[0]?.timestamp ?? 0
  const body = Buffer.concat(records.map(record => encodeRecord(record, baseOffset, baseTimestamp)))
  const payload = records.length === 0 ? body : COMPRESSIONS[compression](body)
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(BigInt(baseOffset), 0)
  head.writeInt32BE(49 + payload.length, 8)
  head.writeInt32BE(leaderEpoch, 12)
  head.writeInt8(2, 16)
  head.writeInt16BE(
    Object.keys(COMPRESSIONS).indexOf(compression) |
      (appendTime === undefined ? 0 : 8) |
      (batch.isTransactional ? 16 : 0) |
      (batch.isControl ? 32 : 0),
    21,
  )
  head.writeInt32BE(lastOffset - baseOffset, 23)
  head.writeBigInt64BE(BigInt(baseTimestamp), 27)
  head.writeBigInt64BE(BigInt(appendTime ?? baseTimestamp), 35)
  head.writeBigInt64BE(BigInt(producerId), 43)
  head.writeInt16BE(producerId < 0 ? -1 : 0, 51)
  head.writeInt32BE(-1, 53)
  head.writeInt32BE(records.length, 57)
  const whole = Buffer.concat([head, payload])
  whole.writeUInt32BE(crc32c(whole.subarray(21)), 17)
  return whole
}

/** The end of a transaction, as the coordinator writes it. */
export function encodeMarker(offset: number, producerId: number, kind: 'commit' | 'abort'): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1])
  const records = [{ offset, key, value: Buffer.alloc(6) }]
  return encodeBatch({ records, producerId, isTransactional: true, isControl: true })
}

function encodeRecord(record: RecordToEncode, baseOffset: number, baseTimestamp: number): Buffer {
  const { offset, key = null, value = null, timestamp = baseTimestamp, headers = [] } = record
  const body = Buffer.concat([
    Buffer.from([0]),
    zigzag(BigInt(timestamp) - BigInt(baseTimestamp)),
    zigzag(BigInt(offset - baseOffset)),
    nullable(key),
    nullable(value),
    zigzag(BigInt(headers.length)),
    ...headers.flatMap(header => [nullable(Buffer.from(header.key)), nullable(header.value)]),
  ])
  return Buffer.concat([zigzag(BigInt(body.length)), body])
}

function nullable(bytes: Uint8Array | null): Buffer {
  return bytes === null ? zigzag(-1n) : Buffer.concat([zigzag(BigInt(bytes.length)), bytes])
}

function zigzag(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value >= 0n ? value * 2n : -value * 2n - 1n
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

/**
 * Blocks that are not compressed, which is a valid frame; the tests on a real broker have compressed ones.
 */
function storedLz4Frame(bytes: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])]
  for (let at = 0; at < bytes.length; at += 65_536) {
    const block = bytes.subarray(at, at + 65_536)
    const size = Buffer.alloc(4)
    size.writeUInt32LE((block.length | 0x80000000) >>> 0)
    parts.push(size, block)
  }
  return Buffer.concat([...parts, Buffer.alloc(4)])
}
