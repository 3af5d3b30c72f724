import type { NamedOptions, SerdeOptions } from './options.ts'

/**
 * Which records are duplicates. Serdes are those of the stream, where it is repartitioned and for keys in the
 * store; if left out, the stream's, else the application's.
 */
export interface DeduplicateOptions<K, V> extends NamedOptions, SerdeOptions<K, V> {
  /**
   * Id of the record: of two records with the same key and the same id within the window, the second is
   * dropped. Undefined or null: the record has none, and passes. Default: the key is the id.
   */
  id?(value: V, key: K): string | number | null | undefined
  /**
   * How far from a record that has passed, earlier or later by their timestamps, others of its id are
   * duplicates: nearer than this. Ids are kept for twice as long, in the stream's time, so that a duplicate
   * is known that is late by up to `windowMs`. A record that is later still passes, unless its id is known
   * all the same (counted as `deduplicate-late-total`).
   */
  readonly windowMs: number
  /**
   * Name of the store, and so of its changelog, and of the repartition topic where there is one. Generated if
   * left out.
   */
  readonly storeName?: string
  /** Kind of the store. Default `persistent`. `in-memory` is rebuilt from the changelog at every start. */
  readonly storeType?: 'persistent' | 'in-memory'
}
