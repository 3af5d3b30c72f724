import { copyBytes } from '../common/bytes.ts'
import { withFastPaths } from './fast-paths.ts'
import type { Serde, SerdeContext } from './serde.ts'
import { wrongType } from './serde-error.ts'

/**
 * Bytes as they are. What is written is copied: the caller may change its array afterwards. What is read may
 * be a view of what was fetched, many records together: who keeps single values for long copies them
 * (`Uint8Array.from`), as the stores do.
 */
export const bytesSerde: Serde<Uint8Array> = withFastPaths(
  {
    name: 'bytes',
    serialize: (value, context) => copyBytes(checked(value, context)),
    deserialize: copyBytes,
  },
  {
    serializeTransient: checked,
    deserializeFrom: (buffer, start, end) => buffer.subarray(start, end),
  },
)

function checked(value: Uint8Array, context: SerdeContext): Uint8Array {
  if (!(value instanceof Uint8Array)) throw wrongType('bytes', 'Uint8Array', value, context)
  return value
}
