import type { Buffer } from 'node:buffer'
import type * as Crc32 from '@node-rs/crc32'
import { latePackage } from '../late-package.ts'

const crc32 = latePackage<typeof Crc32>('@node-rs/crc32')
const MASK_DELTA = 0xa282ead8

/**
 * CRC-32C as LevelDB stores it: rotated and shifted, so that the checksum of bytes that contain checksums is
 * of use (`util/crc32c.h`).
 */
export function maskedCrc(bytes: Buffer): number {
  const crc = crc32().crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0
}
