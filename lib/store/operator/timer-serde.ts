import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { Serde } from '../../serde/serde.ts'

const VERSION = 1
const DUE_AT = 1
const LENGTH = 9

/** When a timer fires, as it is stored: `version (1) ‖ milliseconds since the epoch (8, a float)`. */
export const timerSerde: Serde<number> = {
  name: 'timer',

  serialize(dueMs) {
    const bytes = Buffer.allocUnsafe(LENGTH)
    bytes[0] = VERSION
    bytes.writeDoubleBE(dueMs, DUE_AT)
    return bytes
  },

  deserialize(bytes, { topic }) {
    if (bytes[0] === VERSION && bytes.length === LENGTH) return asBuffer(bytes).readDoubleBE(DUE_AT)
    throw new StreamsError(
      'UNKNOWN_FORMAT',
      `a timer in "${topic}" has ${bytes.length} bytes of version ${bytes[0]}, and this program knows version ${VERSION} alone: run the ` +
        'program that wrote it, or a newer one',
    )
  },
}
