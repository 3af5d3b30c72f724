import type { Serde } from '../../serde/serde.ts'
import type { StreamHandle } from '../kit/handles.ts'
import { addRepartition, behindRepartition, planRepartition } from '../kit/plan-repartition.ts'

/**
 * A stream in front of a join, behind a topic if its keys have changed. Joins of one stream share the topic
 * that is named after it; a join with a name has its own topic.
 */
export function repartitionedForJoin(
  stream: StreamHandle,
  topicPrefix: string,
  given: { readonly keySerde?: Serde<unknown> | undefined; readonly valueSerde?: Serde<unknown> | undefined },
): StreamHandle {
  if (!stream.repartitionRequired) return stream
  const settings = {
    topicPrefix,
    keySerde: given.keySerde ?? stream.keySerde,
    valueSerde: given.valueSerde ?? stream.valueSerde,
  }
  const planned = planRepartition(stream.graph, settings)
  const shared = stream.joinRepartition
  if (shared.node && topicPrefix === stream.name) {
    return behindRepartition(stream, shared.node, shared.node.name, settings)
  }
  shared.node = addRepartition(stream, planned)
  return behindRepartition(stream, shared.node, planned.sourceName, settings)
}
