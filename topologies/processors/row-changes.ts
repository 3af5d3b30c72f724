import type { KeyValueStore, ProcessorSupplier, StoreBuilder } from 'millrace'
import { guarded } from './guarded.ts'

/** What a row was and what it is; null: not there. */
export interface RowChange<V> {
  readonly before: V | null
  readonly after: V | null
}

/**
 * Forwards each row that changes, with what it was before: a table of the DSL tells neither that nor whether
 * anything has changed. A record that comes twice goes no further, nor a tombstone for nothing.
 */
export function rowChanges<V>(
  builder: StoreBuilder<KeyValueStore<string, V>>,
): ProcessorSupplier<string | null, V | null, string, RowChange<V>> {
  return guarded<string, V | null, string, RowChange<V>>({
    stores: [builder],
    accepts: ({ key }) => key !== null,
    make: context => {
      const rows = context.getStateStore(builder)
      return {
        process(record) {
          const { key, value: after } = record
          const before = rows.get(key) ?? null
          if (JSON.stringify(before) === JSON.stringify(after)) return
          rows.put(key, after)
          context.forward(record.withValue({ before, after }))
        },
      }
    },
  })
}
