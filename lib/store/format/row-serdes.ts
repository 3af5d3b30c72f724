import { bytesToMapKey, mapKeyToBytes } from '../../common/bytes.ts'
import type { Serde } from '../../serde/serde.ts'

/** Serde of keys of stores with a layout of their own: bytes already, a character for a byte. */
export const ROW_ID_SERDE: Serde<string> = {
  name: 'row id',
  serialize: mapKeyToBytes,
  deserialize: bytesToMapKey,
  roundTrips: () => true,
}

/**
 * Serde of values of stores with a layout of their own. They are made anew at each put and never changed, so
 * nobody needs a copy.
 */
export const ROW_SERDE: Serde<Uint8Array> = { name: 'row', serialize: row => row, deserialize: row => row }
