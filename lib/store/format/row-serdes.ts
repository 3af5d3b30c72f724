import { bytesToMapKey, mapKeyToBytes } from '../../common/bytes.ts'
import type { Serde } from '../../serde/serde.ts'

/** Keys of stores that lay out their own: bytes already, a character for a byte. */
export const ROW_ID_SERDE: Serde<string> = {
  name: 'row id',
  serialize: mapKeyToBytes,
  deserialize: bytesToMapKey,
  roundTrips: () => true,
}

/** Values of such stores. They are made anew at each put and never changed, so nobody needs a copy. */
export const ROW_SERDE: Serde<Uint8Array> = { name: 'row', serialize: row => row, deserialize: row => row }
