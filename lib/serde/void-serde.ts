import type { Serde } from './serde.ts'
import { SerdeError, wrongType } from './serde-error.ts'

/**
 * Serde of keys or values that are always null, as Kafka Streams' `Serdes.Void()`. Null has no bytes and
 * never comes to a serde, so any value is an error.
 */
export const voidSerde: Serde<null> = {
  name: 'void',
  serialize(value, context) {
    throw wrongType('void', 'nothing but null', value, context)
  },
  deserialize(bytes, context) {
    throw new SerdeError(
      'SERDE_DATA',
      `serdes.void() for "${context.topic}" expects no data, but was given ${bytes.length} bytes`,
    )
  },
}
