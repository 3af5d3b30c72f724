import { partitionForKey } from '../../common/hash/murmur2.ts'
import type { Windowed } from '../../common/windowed.ts'
import type { PrefixPartitioner, StreamPartitioner } from '../../processor/stream-partitioner.ts'
import { serializeTransient } from '../../serde/transient-bytes.ts'
import type { Serde } from '../../serde/serde.ts'
import { WindowedSerde } from '../../serde/windowed-serdes.ts'

/**
 * The partitioner of windowed keys: all windows of one key lie in its partition, and its bytes come first.
 * Undefined for keys that are in no windows.
 */
export function windowedPartitioner(keySerde: Serde<unknown> | undefined): PrefixPartitioner | undefined {
  if (!(keySerde instanceof WindowedSerde)) return undefined
  const { inner, windowBytes } = keySerde as WindowedSerde<unknown>
  const choose: StreamPartitioner = (_value, key, topic, partitionCount) =>
    key === null
      ? undefined
      : partitionForKey(serializeTransient(inner, (key as Windowed<unknown>).key, { topic }), partitionCount)
  return Object.assign(choose, { bytesBehindKey: windowBytes })
}
