import { copyBytes } from '../common/bytes.ts'
import { withFastPaths } from './fast-paths.ts'
import type { Serde, SerdeContext } from './serde.ts'
import { wrongType } from './serde-error.ts'

/**
 * Bytes as they are. Writing copies: the caller may change its array afterwards. Reading may return a view of
 * a fetch buffer with many records: to keep single values for long, copy them (`Uint8Array.from`), as the
 * stores do.
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
