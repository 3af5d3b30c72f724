import type BTreeModule from 'sorted-btree'
import { latePackage } from './late-package.ts'

/** A sorted tree of `sorted-btree`, by a comparison given at its making. */
export type SortedMap<K, V> = InstanceType<typeof BTreeModule.default<K, V>>

const sortedTree = latePackage<typeof BTreeModule>('sorted-btree')

export function sortedMap<K, V>(compare: (left: K, right: K) => number): SortedMap<K, V> {
  const { default: BTree } = sortedTree()
  return new BTree<K, V>([], compare)
}
