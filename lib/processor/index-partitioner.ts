import { partitionForKey } from '../common/hash/murmur2.ts'
import { indexKeyIn } from '../serde/indexed-key-serde.ts'
import type { BytesPartitioner, StreamPartitioner } from './stream-partitioner.ts'

const choose: StreamPartitioner = () => undefined

/** Puts all entries of an index key where the default partitioner puts that key. */
export const byIndexKey: BytesPartitioner = Object.assign(choose, {
  ofBytes: (key: Uint8Array, partitionCount: number) =>
    partitionForKey(indexKeyIn(key) ?? key, partitionCount),
})
