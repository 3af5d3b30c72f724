import type { StreamPartitioner } from '../../../processor/stream-partitioner.ts'
import { checkName } from '../../graph/node-name.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import {
  addRepartition,
  behindRepartition,
  planRepartition,
  type RepartitionSettings,
} from '../../kit/plan-repartition.ts'
import type { RepartitionedOptions } from '../../options/options.ts'

/** Adds a repartition topic, needed or not. */
export function repartition<K, V>(
  stream: StreamHandle,
  options: RepartitionedOptions<K, V> = {},
): StreamHandle {
  const { partitionCount } = options
  if (partitionCount !== undefined && !(Number.isSafeInteger(partitionCount) && partitionCount >= 1)) {
    throw new TypeError(`partitionCount is ${partitionCount}: it must be a whole number of at least 1`)
  }
  const settings: RepartitionSettings = {
    topicPrefix:
      options.name === undefined ? stream.graph.newName('KSTREAM-REPARTITION-') : checkName(options.name),
    keySerde: options.keySerde ?? stream.keySerde,
    valueSerde: options.valueSerde ?? stream.valueSerde,
    partitioner: options.partitioner as StreamPartitioner | undefined,
    partitionCount,
    optimizable: false,
  }
  const planned = planRepartition(stream.graph, settings)
  const node = addRepartition(stream, planned)
  return behindRepartition(stream, node, planned.sourceName, settings)
}
