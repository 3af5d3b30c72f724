import type { Serde } from './serde.ts'

/**
 * Adds what a serde has beside `serialize` and `deserialize`. A copy does not inherit it: whoever writes
 * `{ ...serdes.json(), deserialize }` means that every record is read by his method, which `deserializeFrom`
 * would stand in for, and that `roundTrips` speaks of the other one.
 */
export function withFastPaths<T>(
  serde: Serde<T>,
  paths: Pick<Serde<T>, 'serializeTransient' | 'deserializeFrom' | 'readsAscii' | 'roundTrips'>,
): Serde<T> {
  for (const [name, value] of Object.entries(paths)) Object.defineProperty(serde, name, { value })
  return serde
}
