import { Buffer } from 'node:buffer'
import { asBuffer, utf8Piece } from '../common/bytes.ts'
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
  deserialize: (bytes: Uint8Array): string => utf8Piece(asBuffer(bytes), 0, bytes.length),
  deserializeFrom: utf8Piece,
  readsAscii: true,
  // A lone surrogate comes back as another string, so it must be serialised at once.
  roundTrips: (value: string): boolean => typeof value === 'string' && value.isWellFormed(),
}
