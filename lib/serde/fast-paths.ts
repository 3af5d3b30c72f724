import type { Serde } from './serde.ts'

/**
 * Adds the optional methods of a serde. A copy does not inherit them: whoever writes `{ ...serdes.json(),
 * deserialize }` means that every record is read by that method, which `deserializeFrom` would replace, and
 * whose results `roundTrips` knows nothing of.
 */
export function withFastPaths<T>(
  serde: Serde<T>,
  paths: Pick<Serde<T>, 'serializeTransient' | 'deserializeFrom' | 'readsAscii' | 'roundTrips'>,
): Serde<T> {
  for (const [name, value] of Object.entries(paths)) Object.defineProperty(serde, name, { value })
  return serde
}
