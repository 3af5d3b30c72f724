import { Buffer } from 'node:buffer'
import { asBuffer, utf8Piece } from '../common/bytes.ts'
import { withFastPaths } from './fast-paths.ts'
import { transientText } from './transient-bytes.ts'
import type { Serde } from './serde.ts'
import { wrongType } from './serde-error.ts'

/**
 * Text in UTF-8, as Kafka Streams' `Serdes.String()`. Lone surrogates become U+FFFD, as bytes that are not
 * UTF-8 do on the way back.
 */
export const stringSerde: Serde<string> = withFastPaths<string>(
  {
    name: 'string',
    serialize(value, context) {
      if (typeof value !== 'string') throw wrongType('string', 'strings', value, context)
      return Buffer.from(value, 'utf8')
    },
    deserialize: bytes => utf8Piece(asBuffer(bytes), 0, bytes.length),
  },
  {
    serializeTransient(value, context) {
      if (typeof value !== 'string') throw wrongType('string', 'strings', value, context)
      return transientText(value)
    },
    deserializeFrom: utf8Piece,
    readsAscii: true,
    // A lone surrogate comes back as another string, so it must be serialised at once.
    roundTrips: value => typeof value === 'string' && value.isWellFormed(),
  },
)
