import type { Buffer } from 'node:buffer'
import * as zlib from 'node:zlib'
import { decompress as decompressZstd } from 'fzstd'
import { compress as compressSnappy } from 'snappyjs'
import { asBuffer } from '../../../../common/bytes.ts'
import { MalformedError } from '../malformed-error.ts'
import { decompressLz4Frame } from './lz4-frame.ts'
import { decompressSnappy } from './snappy-frame.ts'

/**
 * The most bytes that one batch is decompressed to. A batch may hold a hundred times its size, and a mangled
 * length claims any size.
 */
const BYTES_MAX = 256 * 1024 * 1024

/** How the records of a batch are compressed, by its number in the batch's attributes. */
export interface Codec {
  readonly number: number
  /** Undefined where the records are not compressed. */
  readonly compress: ((input: Buffer) => Buffer) | undefined
}

interface KnownCodec {
  readonly name: string
  /** `unable`: only the native client compresses with this codec. */
  readonly compress: ((input: Buffer) => Buffer) | 'as it is' | 'unable'
  readonly decompress: ((input: Buffer, bytesMax: number) => Buffer) | undefined
}

/** Decompression by Node itself, from 22.15 on: several times as fast as the package. */
const nativeZstd = (
  zlib as { readonly zstdDecompressSync?: (input: Buffer, options: { maxOutputLength: number }) => Buffer }
).zstdDecompressSync

/** Codecs by their number in a batch's attributes (https://kafka.apache.org/documentation/#recordbatch). */
const CODECS: readonly KnownCodec[] = [
  { name: 'none', compress: 'as it is', decompress: undefined },
  {
    name: 'gzip',
    compress: input => zlib.gzipSync(input),
    decompress: (input, bytesMax) => zlib.gunzipSync(input, { maxOutputLength: bytesMax }),
  },
  {
    name: 'snappy',
    // One block without a header, as librdkafka sends it; JVM clients read it, too.
    compress: input => asBuffer(compressSnappy(input)),
    decompress: decompressSnappy,
  },
  { name: 'lz4', compress: 'unable', decompress: decompressLz4Frame },
  {
    name: 'zstd',
    compress: 'unable',
    decompress: (input, bytesMax) =>
      nativeZstd ? nativeZstd(input, { maxOutputLength: bytesMax }) : asBuffer(decompressZstd(input)),
  },
]

/**
 * The codec of this name; undefined for lz4 and zstd, which only the native client writes, and for others.
 */
export function codecOf(name: string): Codec | undefined {
  const number = CODECS.findIndex(each => each.name === name)
  const compress = CODECS[number]?.compress
  if (compress === undefined || compress === 'unable') return undefined
  return { number, compress: compress === 'as it is' ? undefined : compress }
}

/**
 * The records of a batch, decompressed. Throws `MalformedError` where they cannot be, and where they are more
 * than 256 MiB.
 */
export function decompress(codec: number, input: Buffer): Buffer {
  const decompressWith = CODECS[codec]?.decompress
  if (!decompressWith) throw new MalformedError(`unknown compression ${codec}`)
  try {
    return decompressWith(input, BYTES_MAX)
  } catch (cause) {
    if (cause instanceof MalformedError) throw cause
    throw new MalformedError(`the records do not decompress: ${String(cause)}`, { cause })
  }
}
