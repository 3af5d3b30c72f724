import type { Buffer } from 'node:buffer'

const TWO_TO_32 = 0x1_0000_0000

/** Eight bytes, big-endian, as a `long` of the JVM. */
export function writeTime(bytes: Buffer, time: number, at: number): void {
  bytes.writeInt32BE(Math.floor(time / TWO_TO_32), at)
  bytes.writeUInt32BE(time % TWO_TO_32, at + 4)
}

export function readTime(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4)
}
