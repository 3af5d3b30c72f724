import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import type { Serde } from '../../serde/serde.ts'
import { SerdeError } from '../../serde/serde-error.ts'

/** The mark of lists whose elements have their lengths before them. */
const VARIABLE_SIZE = 1
const HEAD_BYTES = 5

/**
 * Lists of bytes, `1 ‖ count (4) ‖ (length (4) ‖ bytes)…`, as Kafka Streams' `Serdes.ListSerde` over byte
 * arrays.
 */
export const byteListSerde: Serde<readonly Uint8Array[]> = {
  name: 'byte-list',

  serialize(list) {
    let length = HEAD_BYTES
    for (const element of list) length += 4 + element.length
    const bytes = Buffer.allocUnsafe(length)
    bytes[0] = VARIABLE_SIZE
    bytes.writeInt32BE(list.length, 1)
    let at = HEAD_BYTES
    for (const element of list) {
      bytes.writeInt32BE(element.length, at)
      bytes.set(element, at + 4)
      at += 4 + element.length
    }
    return bytes
  },

  deserialize(data, context) {
    const bytes = asBuffer(data)
    const list: Uint8Array[] = []
    let at = HEAD_BYTES
    const count = bytes.length >= HEAD_BYTES && bytes[0] === VARIABLE_SIZE ? bytes.readInt32BE(1) : -1
    while (list.length < count && at + 4 <= bytes.length) {
      const end = at + 4 + bytes.readInt32BE(at)
      if (end < at + 4 || end > bytes.length) break
      list.push(Buffer.from(bytes.subarray(at + 4, end)))
      at = end
    }
    if (list.length !== count || at !== bytes.length) {
      throw new SerdeError('SERDE_DATA', `${bytes.length} bytes in "${context.topic}" are no list of bytes`)
    }
    return list
  },
}
