import type { Buffer } from 'node:buffer'
import type * as Crc32 from '@node-rs/crc32'
import { latePackage } from '../late-package.ts'
import { slowCrc32c } from './slow-crc32c.ts'

const crc32 = latePackage<typeof Crc32>('@node-rs/crc32')
const MASK_DELTA = 0xa282ead8

let crc32c: ((bytes: Buffer) => number) | undefined

/**
 * CRC-32C as LevelDB stores it: rotated and shifted, so that the checksum of bytes that contain checksums is
 * of use (`util/crc32c.h`).
 */
export function maskedCrc(bytes: Buffer): number {
  crc32c ??= fastest()
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0
}

/** An installation without optional packages lacks the native code: a state must open there all the same. */
function fastest(): (bytes: Buffer) => number {
  try {
    const { crc32c: native } = crc32()
    return bytes => native(bytes)
  } catch {
    return slowCrc32c
  }
}
