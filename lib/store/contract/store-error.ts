import { ConfigError, StreamsError } from '../../common/errors/errors.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'

export function rangesDisabled(storeName: string): StreamsError {
  return new StreamsError(
    'RANGES_DISABLED',
    `store "${storeName}" keeps no order of its keys, so processors cannot read it in ranges. Give ranges: true for range, all and prefixScan, ` +
      "where the store is built: to stores.keyValueStore, or beside storeName in the options of the DSL's operator (count, aggregate, table, …).",
  )
}

export function storeClosed(storeName: string): StreamsError {
  return new StreamsError(
    'STORE_CLOSED',
    `store "${storeName}" is not open: its task has left or was built anew; ask for the store again`,
  )
}

/** The store's own serde, or the application's default; throws where there is neither. */
export function serdeOrThrow(
  storeName: string,
  role: 'key' | 'value',
  own: Serde<unknown> | undefined,
  byDefault: Serde<unknown> | undefined,
): Serde<unknown> {
  const serde = resolveSerde(own, byDefault)
  if (serde) return serde
  const setting = role === 'key' ? 'keySerde' : 'valueSerde'
  const byDefaultSetting = role === 'key' ? 'defaultKeySerde' : 'defaultValueSerde'
  throw new ConfigError(
    'SERDE_MISSING',
    `store "${storeName}" has no ${setting}, and the application no ${byDefaultSetting}: give one of them`,
  )
}
