import { Buffer } from 'node:buffer'
import { EMPTY_BYTES } from '../../common/bytes.ts'

/**
 * Version of the layout, which is that of Kafka Streams' `TopicPartitionMetadata`: a magic byte, the
 * partition time, then times of operators (`ProcessorMetadata`): their number, and for each its name's
 * length, its name and the time.
 */
const MAGIC = 2
const LENGTH = 9

/**
 * The metadata of a committed offset: partition time in milliseconds (-1: none) and, if there are any, the
 * operators' times; base64. Both systems read each other's.
 */
export function encodePartitionTime(timeMs: number, operatorTimes: Uint8Array = EMPTY_BYTES): string {
  const bytes = Buffer.alloc(LENGTH + operatorTimes.length)
  bytes.writeUInt8(MAGIC, 0)
  bytes.writeBigInt64BE(BigInt(timeMs), 1)
  bytes.set(operatorTimes, LENGTH)
  return bytes.toString('base64')
}

/** The partition time; -1 for metadata that is absent or somebody else's. */
export function decodePartitionTime(metadata: string | undefined): number {
  if (!metadata) return -1
  const bytes = Buffer.from(metadata, 'base64')
  if (bytes.length < LENGTH || (bytes[0] !== 1 && bytes[0] !== MAGIC)) return -1
  const timeMs = Number(bytes.readBigInt64BE(1))
  return Number.isSafeInteger(timeMs) ? timeMs : -1
}

export function encodeOperatorTimes(times: ReadonlyMap<string, number>): Uint8Array {
  if (times.size === 0) return EMPTY_BYTES
  const parts: Uint8Array[] = [int32(times.size)]
  for (const [name, timeMs] of times) {
    const nameBytes = Buffer.from(name)
    const time = Buffer.alloc(8)
    time.writeBigInt64BE(BigInt(timeMs))
    parts.push(int32(nameBytes.length), nameBytes, time)
  }
  return Buffer.concat(parts)
}

/** The operators' times; none for metadata that is absent, cut short, or somebody else's. */
export function decodeOperatorTimes(metadata: string | undefined): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  const bytes = Buffer.from(metadata ?? '', 'base64')
  if (bytes[0] !== MAGIC || bytes.length < LENGTH + 4) return times
  let at = LENGTH + 4
  for (let left = bytes.readInt32BE(LENGTH); left > 0; left -= 1) {
    const nameEnd = at + 4 + (at + 4 <= bytes.length ? bytes.readInt32BE(at) : 0)
    if (nameEnd < at + 4 || nameEnd + 8 > bytes.length) return new Map()
    const timeMs = Number(bytes.readBigInt64BE(nameEnd))
    times.set(bytes.toString('utf8', at + 4, nameEnd), timeMs)
    at = nameEnd + 8
  }
  return times
}

function int32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
