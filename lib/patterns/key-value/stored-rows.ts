import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import type { Serde } from '../../serde/serde.ts'
import { frozen } from './frozen.ts'
import type { StoreRow } from './row-map.ts'

/** A row of the snapshot on disk; its key is that of the entry. */
export type StoredRow<V> = Omit<StoreRow<unknown, V>, 'key'>

/** Version, timestamp and offset. */
const HEAD_BYTES = 24

export function storedRowSerde<V>(serde: Serde<V>): Serde<StoredRow<V>> {
  return {
    name: `row of ${serde.name}`,
    serialize({ value, version, timestamp, offset }, context) {
      const body = serde.serialize(value, context)
      const bytes = Buffer.allocUnsafe(HEAD_BYTES + body.length)
      bytes.writeDoubleBE(version, 0)
      bytes.writeDoubleBE(timestamp, 8)
      bytes.writeDoubleBE(offset, 16)
      bytes.set(body, HEAD_BYTES)
      return bytes
    },
    deserialize(bytes, context) {
      const head = asBuffer(bytes)
      const body = bytes.subarray(HEAD_BYTES)
      return {
        value: frozen(serde.deserialize(body, context)),
        version: head.readDoubleBE(0),
        timestamp: head.readDoubleBE(8),
        offset: head.readDoubleBE(16),
        sizeBytes: body.length,
      }
    },
  }
}
