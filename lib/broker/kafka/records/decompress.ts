import type { Buffer } from 'node:buffer'
import * as zlib from 'node:zlib'
import { decompress as decompressZstd } from 'fzstd'
import { asBuffer } from '../../../common/bytes.ts'
import { decompressLz4Frame } from './lz4-frame.ts'
import { MalformedError } from '../wire/malformed-error.ts'
import { decompressSnappy } from './snappy-frame.ts'

/** Of one batch. A batch may hold a hundred times its size, and a mangled length much more: memory has a bound. */
const BYTES_MAX = 256 * 1024 * 1024

type Decompress = (input: Buffer, bytesMax: number) => Buffer

/** Node has zstd from 22.15 on, several times as fast as the package. */
const nativeZstd = (
  zlib as { readonly zstdDecompressSync?: (input: Buffer, options: { maxOutputLength: number }) => Buffer }
).zstdDecompressSync

/** By the number in a batch's attributes. */
const CODECS: readonly (Decompress | undefined)[] = [
  undefined,
  (input, bytesMax) => zlib.gunzipSync(input, { maxOutputLength: bytesMax }),
  decompressSnappy,
  decompressLz4Frame,
  (input, bytesMax) =>
    nativeZstd ? nativeZstd(input, { maxOutputLength: bytesMax }) : asBuffer(decompressZstd(input)),
]

/** The records of a batch as they were before compression. Throws `MalformedError` for what is none, and for more than 256 MiB. */
export function decompress(codec: number, input: Buffer): Buffer {
  const decompressWith = CODECS[codec]
  if (!decompressWith) throw new MalformedError(`unknown compression ${codec}`)
  try {
    return decompressWith(input, BYTES_MAX)
  } catch (cause) {
    if (cause instanceof MalformedError) throw cause
    throw new MalformedError(`the records do not decompress: ${String(cause)}`, { cause })
  }
}
