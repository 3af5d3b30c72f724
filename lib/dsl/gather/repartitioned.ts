import type { Serde } from '../../serde/serde.ts'
import type { StreamHandle } from '../kit/handles.ts'
import type { SerdeOptions } from '../options/options.ts'
import { addRepartition, behindRepartition, planRepartition } from '../kit/plan-repartition.ts'

/** The stream behind a topic of that name where its keys have changed. With these serdes in any case. */
export function repartitioned<K, V>(
  stream: StreamHandle,
  topicPrefix: string,
  options: SerdeOptions<K, V>,
): StreamHandle {
  const keySerde = (options.keySerde as Serde<unknown> | undefined) ?? stream.keySerde
  const valueSerde = (options.valueSerde as Serde<unknown> | undefined) ?? stream.valueSerde
  if (!stream.repartitionRequired) return { ...stream, keySerde, valueSerde }
  const settings = { topicPrefix, keySerde, valueSerde }
  const planned = planRepartition(stream.graph, settings)
  return behindRepartition(stream, addRepartition(stream, planned), planned.sourceName, settings)
}
