import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import { checkSameBuilder, processorRole } from '../../kit/add-node.ts'
import { passThrough } from '../../kit/pass.ts'

/** Merges two streams. Serdes are dropped: neither side's is sure to fit both. */
export function merge(left: StreamHandle, right: StreamHandle, options: NamedOptions = {}): StreamHandle {
  checkSameBuilder(left, right)
  const name = left.graph.name(options.name, 'KSTREAM-MERGE-')
  return {
    graph: left.graph,
    node: left.graph.add(name, processorRole({ supplier: passThrough, merges: true }), left.node, right.node),
    name,
    keySerde: undefined,
    valueSerde: undefined,
    sources: new Set([...left.sources, ...right.sources]),
    repartitionRequired: left.repartitionRequired || right.repartitionRequired,
    joinRepartition: {},
  }
}
