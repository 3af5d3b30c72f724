import type { StreamPartitioner, TopicNameExtractor } from '../../../processor/stream-partitioner.ts'
import type { ProducedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'

/** Adds a sink. The topic is the user's: it is neither created nor named after the application. */
export function to<K, V>(
  stream: StreamHandle,
  topic: string | TopicNameExtractor<K, V>,
  options: ProducedOptions<K, V> = {},
): void {
  const role = {
    kind: 'sink',
    topic: topic as string | TopicNameExtractor,
    keySerde: options.keySerde ?? stream.keySerde,
    valueSerde: options.valueSerde ?? stream.valueSerde,
    partitioner: options.partitioner as StreamPartitioner | undefined,
  } as const
  stream.graph.add(stream.graph.name(options.name, 'KSTREAM-SINK-'), role, stream.node)
}
