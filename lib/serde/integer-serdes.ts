import { Buffer } from 'node:buffer'
import { asBuffer } from '../common/bytes.ts'
import { readInt64, writeInt64 } from '../common/int64.ts'
import { withFastPaths } from './fast-paths.ts'
import { transientBytes } from './transient-bytes.ts'
import type { Serde, SerdeContext } from './serde.ts'
import { SerdeError, wrongLength, wrongType } from './serde-error.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/**
 * Integers in four bytes, big-endian, as Kafka Streams' `Serdes.Integer()`. -0 is written as 0, as by the
 * other serdes of integers.
 */
export const int32Serde: Serde<number> = withFastPaths<number>(
  {
    name: 'int32',
    serialize(value, context) {
      if ((value | 0) !== value)
        throw wrongType('int32', 'integers from -2147483648 to 2147483647', value, context)
      const bytes = Buffer.allocUnsafe(4)
      bytes.writeInt32BE(value, 0)
      return bytes
    },
    deserialize(bytes, context) {
      if (bytes.length !== 4) throw wrongLength('int32', 4, bytes, context)
      return (bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!
    },
  },
  { roundTrips: value => (value | 0) === value && !Object.is(value, -0) },
)

/**
 * Integers in eight bytes, big-endian, as Kafka Streams' `Serdes.Long()`, read and written as `number`.
 * Throws `INT64_UNSAFE` beyond ±(2^53 - 1), where numbers have gaps.
 */
export const int64Serde: Serde<number> = withFastPaths<number>(
  {
    name: 'int64',
    serialize: (value, context) => writeChecked(Buffer.allocUnsafe(8), value, context),
    deserialize(bytes, context) {
      if (bytes.length !== 8) throw wrongLength('int64', 8, bytes, context)
      const value = readInt64(bytes, 0)
      if (!Number.isSafeInteger(value)) throw unsafe(asBuffer(bytes).readBigInt64BE(0), context.topic)
      return value
    },
  },
  {
    serializeTransient: (value, context) => writeChecked(transientBytes(8), value, context),
    roundTrips: value => Number.isSafeInteger(value) && !Object.is(value, -0),
  },
)

/** Integers in the bytes of `serdes.int64()`, as `bigint`: the whole range of 64 bits. */
export const bigint64Serde: Serde<bigint> = withFastPaths<bigint>(
  {
    name: 'bigint64',
    serialize(value, context) {
      if (!isBigint64(value)) throw wrongType('bigint64', 'bigints of 64 bits', value, context)
      const bytes = Buffer.allocUnsafe(8)
      bytes.writeBigInt64BE(value, 0)
      return bytes
    },
    deserialize(bytes, context) {
      if (bytes.length !== 8) throw wrongLength('bigint64', 8, bytes, context)
      return asBuffer(bytes).readBigInt64BE(0)
    },
  },
  { roundTrips: isBigint64 },
)

function writeChecked(bytes: Buffer, value: number, context: SerdeContext): Buffer {
  if (!Number.isSafeInteger(value)) {
    if (!Number.isInteger(value)) throw wrongType('int64', 'integers', value, context)
    throw unsafe(value, context.topic)
  }
  writeInt64(bytes, 0, value)
  return bytes
}

function isBigint64(value: bigint): boolean {
  return typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX
}

function unsafe(value: number | bigint, topic: string): SerdeError {
  return new SerdeError(
    'INT64_UNSAFE',
    `${value} in "${topic}" cannot be held exactly by a number. Use serdes.bigint64() for it.`,
  )
}
