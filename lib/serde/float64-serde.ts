import { Buffer } from 'node:buffer'
import { asBuffer } from '../common/bytes.ts'
import { withFastPaths } from './fast-paths.ts'
import type { Serde } from './serde.ts'
import { wrongLength, wrongType } from './serde-error.ts'

/** Doubles in eight bytes, IEEE 754 big-endian, as Kafka Streams' `Serdes.Double()`. */
const written: Serde<number> = {
  name: 'float64',
  serialize(value, context) {
    if (typeof value !== 'number') throw wrongType('float64', 'numbers', value, context)
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeDoubleBE(value, 0)
    return bytes
  },
  deserialize(bytes, context) {
    if (bytes.length !== 8) throw wrongLength('float64', 8, bytes, context)
    return asBuffer(bytes).readDoubleBE(0)
  },
}

export const float64Serde = withFastPaths(written, { roundTrips: value => typeof value === 'number' })
