import { StreamsError } from '../../common/errors/errors.ts'
import type { GlobalKTable, KTable } from './kstream.ts'

/**
 * A table in place of its store's name, where a store is asked for: it knows the types of keys and values.
 */
export type QueryableTable<K, V> = KTable<K, V, null> | KTable<K, V, never> | GlobalKTable<K, V>

/**
 * The name of a table's store. Throws `STORE_NOT_NAMED` for a table whose operator was given no `storeName`.
 */
export function storeNameOf(
  store: string | Pick<GlobalKTable<unknown, unknown>, 'queryableStoreName'>,
): string {
  const name = typeof store === 'string' ? store : store.queryableStoreName
  if (name !== undefined) return name
  throw new StreamsError(
    'STORE_NOT_NAMED',
    'this table has no store that can be queried: give the operator that makes it a name for one, { storeName: … }',
  )
}
