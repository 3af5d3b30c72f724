/** A key of a secondary index: what the row is found by, and the row's own key. */
export interface IndexedKey<KI, K> {
  readonly indexKey: KI
  readonly key: K
}

/** The store that holds how many entries each key of an index has, beside the store of the entries. */
export function countsStoreOf(storeName: string): string {
  return `${storeName}-counts`
}
