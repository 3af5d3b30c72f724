import { Buffer } from 'node:buffer'
import { asBuffer } from '../common/bytes.ts'
import { passingText } from './passing-bytes.ts'
import type { Serde, SerdeContext } from './serde.ts'
import { wrongType } from './serde-error.ts'

/**
 * UTF-8, as `Serdes.String()` of the JVM original. Lone surrogates become U+FFFD, as bytes that are not UTF-8 do on the way back.
 */
export const stringSerde: Serde<string> = {
  name: 'string',
  serialize(value: string, context: SerdeContext): Uint8Array {
    if (typeof value !== 'string') throw wrongType('string', 'strings', value, context)
    return Buffer.from(value, 'utf8')
  },
  serializeInPassing(value: string, context: SerdeContext): Uint8Array {
    if (typeof value !== 'string') throw wrongType('string', 'strings', value, context)
    return passingText(value)
  },
  deserialize: (bytes: Uint8Array): string => asBuffer(bytes).toString('utf8'),
  deserializeFrom: (buffer: Buffer, start: number, end: number): string =>
    buffer.toString('utf8', start, end),
  // A lone surrogate comes back as another string, so it must be serialised at once. The check is native and reads once.
  roundTrips: (value: string): boolean => typeof value === 'string' && isWellFormed(value),
}

const LONE_SURROGATE = /\p{Surrogate}/u

function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text)
}
