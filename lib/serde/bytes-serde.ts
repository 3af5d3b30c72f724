import { copyBytes } from '../common/bytes.ts'
import type { Serde } from './serde.ts'
import { wrongType } from './serde-error.ts'

/** Bytes as they are. Copied in both directions: the caller may change its array afterwards. */
export const bytesSerde: Serde<Uint8Array> = {
  name: 'bytes',
  serialize(value, context) {
    if (!(value instanceof Uint8Array)) throw wrongType('bytes', 'Uint8Array', value, context)
    return copyBytes(value)
  },
  deserialize: copyBytes,
}
