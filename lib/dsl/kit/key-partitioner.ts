import { partitionForKey } from '../../common/hash/murmur2.ts'
import type { Windowed } from '../../common/windowed.ts'
import { byIndexKey } from '../../processor/index-partitioner.ts'
import type { BytesPartitioner, StreamPartitioner } from '../../processor/stream-partitioner.ts'
import { IndexedKeySerde } from '../../serde/indexed-key-serde.ts'
import { serializeTransient } from '../../serde/transient-bytes.ts'
import type { Serde } from '../../serde/serde.ts'
import { WindowedSerde } from '../../serde/windowed-serdes.ts'

/**
 * The partitioner of keys of which a part decides: all windows of one key lie in its partition, and so do all
 * entries of one key of an index. Undefined for other keys.
 */
export function keyPartitioner(keySerde: Serde<unknown> | undefined): BytesPartitioner | undefined {
  if (keySerde instanceof IndexedKeySerde) return byIndexKey
  if (!(keySerde instanceof WindowedSerde)) return undefined
  const { inner, windowBytes } = keySerde as WindowedSerde<unknown>
  const choose: StreamPartitioner = (_value, key, topic, partitionCount) =>
    key === null
      ? undefined
      : partitionForKey(serializeTransient(inner, (key as Windowed<unknown>).key, { topic }), partitionCount)
  const ofBytes = (key: Uint8Array, partitionCount: number) =>
    partitionForKey(key, partitionCount, key.length - windowBytes)
  return Object.assign(choose, { ofBytes })
}
