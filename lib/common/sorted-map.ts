import { createRequire } from 'node:module'
import type BTreeModule from 'sorted-btree'

/** A sorted tree of `sorted-btree`, by a comparison given at its making. */
export type SortedMap<K, V> = InstanceType<typeof BTreeModule.default<K, V>>

// The package is CommonJS with a default export, which loaders (Node, Vite, tsx) hand out in two different shapes; `require`
// knows one.
const { default: BTree } = createRequire(import.meta.url)('sorted-btree') as typeof BTreeModule

export function sortedMap<K, V>(compare: (left: K, right: K) => number): SortedMap<K, V> {
  return new BTree<K, V>([], compare)
}
