import type { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { compress as compressSnappy } from 'snappyjs'
import { asBuffer } from '../../../common/bytes.ts'

/** How the records of a batch are compressed, by its number in the batch's attributes. */
export interface Codec {
  readonly number: number
  /** Undefined where they go as they are. */
  readonly compress: ((input: Buffer) => Buffer) | undefined
}

const CODECS: { readonly [name: string]: Codec } = {
  none: { number: 0, compress: undefined },
  gzip: { number: 1, compress: input => gzipSync(input) },
  // One bare block, as librdkafka sends it; JVM readers take it as well as their own frames.
  snappy: { number: 2, compress: input => asBuffer(compressSnappy(input)) },
}

/** Undefined for what only the native client compresses with: lz4 and zstd. */
export function codecOf(name: string): Codec | undefined {
  return Object.hasOwn(CODECS, name) ? CODECS[name] : undefined
}
