import { Buffer } from 'node:buffer'

/** The layout of the JVM original's `TopicPartitionMetadata`: a magic byte, the partition time, then metadata that we do not use. */
const MAGIC = 2
const LENGTH = 9

/** The metadata of a committed offset: partition time in milliseconds (-1: none), base64. Both systems read each other's. */
export function encodePartitionTime(timeMs: number): string {
  const bytes = Buffer.alloc(LENGTH)
  bytes.writeUInt8(MAGIC, 0)
  bytes.writeBigInt64BE(BigInt(timeMs), 1)
  return bytes.toString('base64')
}

/** -1 for metadata that is absent or somebody else's. */
export function decodePartitionTime(metadata: string | undefined): number {
  if (!metadata) return -1
  const bytes = Buffer.from(metadata, 'base64')
  if (bytes.length < LENGTH || (bytes[0] !== 1 && bytes[0] !== MAGIC)) return -1
  const timeMs = Number(bytes.readBigInt64BE(1))
  return Number.isSafeInteger(timeMs) ? timeMs : -1
}
