import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { compress as compressSnappy } from 'snappyjs'
import { describe, expect, test } from 'vitest'
import { decompress } from '../../lib/broker/kafka/protocol/records/codecs.ts'
import { decompressedBytes } from '../../lib/broker/kafka/protocol/records/decompressed-bytes.ts'

const GZIP = 1
const SNAPPY = 2
const LZ4 = 3
const ZSTD = 4

const hex = (...parts: readonly string[]) => Buffer.from(parts.join(''), 'hex')
const snappy = (bytes: Uint8Array) => compressSnappy(Buffer.from(bytes)) as Buffer

/** `abcdefgh` so many times, as the command-line tools compress it. */
const WORDS = 25_000
const LZ4_BLOCK = `8f61626364656667680800${'ff'.repeat(256)}e0506465666768`
const LZ4_LAST = `8f61626364656667680800${'ff'.repeat(13)}2d506465666768`
const blocks = (checksums: readonly [string, string] = ['', '']) => [
  ...Array.from({ length: 3 }, () => `12010000${LZ4_BLOCK}${checksums[0]}`),
  `1f000000${LZ4_LAST}${checksums[1]}`,
]
const LZ4_END = '0000000015dd23d8'
const ZSTD_BLOCK = '8400004061626364656667680100f5ffcb0b174d0000086101003c0d391002503a789b'

/** As `snappy-java` frames it. */
function xerial(bytes: Buffer, blockBytes: number): Buffer {
  const parts: Uint8Array[] = [hex('82534e4150505900', '00000001', '00000001')]
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = snappy(bytes.subarray(at, at + blockBytes))
    const size = Buffer.alloc(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

describe('the bytes that a batch takes when it is decompressed', () => {
  test.each([
    ['zstd with its size', ZSTD, hex('28b52ffda4400d0300', ZSTD_BLOCK), 8 * WORDS],
    ['zstd of a stream', ZSTD, hex('28b52ffd0458', ZSTD_BLOCK), 262_144],
    ['zstd of a few bytes', ZSTD, hex('28b52ffd24507d0000406162636465666768010035b47001d5620872'), 80],
    ['lz4', LZ4, hex('04224d186440a7', ...blocks(), LZ4_END), 196_608 + 31 * 255],
    ['lz4 with its size', LZ4, hex('04224d186c40400d030000000000a9', ...blocks(), LZ4_END), 8 * WORDS],
    [
      'lz4 with checksums of its blocks',
      LZ4,
      hex('04224d187440bd', ...blocks(['c1b484f8', 'b78dfd91']), LZ4_END),
      196_608 + 31 * 255,
    ],
  ])('%s', (_name, codec, bytes, expected) => {
    const found = decompress(codec, bytes)
    expect(found.equals(Buffer.from('abcdefgh'.repeat(found.length / 8)))).toBe(true)
    expect(decompressedBytes(codec, bytes)).toBe(expected)
    expect(expected).toBeGreaterThanOrEqual(found.length)
  })

  test.each([
    ['gzip', GZIP, (bytes: Buffer) => gzipSync(bytes)],
    ['snappy of one block', SNAPPY, snappy],
    ['snappy of many blocks', SNAPPY, (bytes: Buffer) => xerial(bytes, 1_000)],
  ])('%s: exactly', (_name, codec, compress) => {
    for (const length of [1, 127, 128, 16_384, 300_000]) {
      const bytes = Buffer.from(Array.from({ length }, (_, at) => (at * at) % 251))
      expect(decompressedBytes(codec, compress(bytes))).toBe(length)
    }
  })

  test('of bytes that make no sense are some number, and nothing hangs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 60 }), (codec, noise) => {
        for (const head of ['', '82534e4150505900', '04224d18', '28b52ffd']) {
          const found = decompressedBytes(codec, Buffer.concat([hex(head), noise]))
          expect(found).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
