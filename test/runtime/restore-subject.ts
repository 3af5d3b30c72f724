import { serdes } from '../../lib/serde/serdes.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { Topology } from '../../lib/topology/topology.ts'

/** Counts by key into a store on disk. */
export function countSubject(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { keySerde: serdes.string(), valueSerde: serdes.string() })
    .groupByKey()
    .count({ storeName: 'counts' })
  return builder.build()
}
