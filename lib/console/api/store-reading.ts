import { METRIC_GROUPS, type MetricSample } from '../../common/metrics/metrics.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { KafkaStreams } from '../../streams/kafka-streams.ts'
import type { StoreDescription } from '../../streams/store-description.ts'
import type { TopologyPlan } from '../../topology/plan.ts'

export interface StoreReading {
  readonly name: string
  readonly kind: string
  readonly isGlobal: boolean
  readonly changelogTopic: string | null
  /** Entries, approximately; null where the kind of store does not count. */
  readonly keys: number | null
  /** Bytes in memory, read and unwritten values; null for a store that has none. */
  readonly bytes: number | null
  readonly partitions: readonly number[]
  readonly lag: number | null
}

const COUNTED: ReadonlySet<string> = new Set(['key-value store', 'timestamped key-value store'])

export function readStores(
  streams: KafkaStreams,
  plan: TopologyPlan,
  samples: readonly MetricSample[],
): readonly StoreReading[] {
  const bytes = bytesByStore(samples)
  const changelogs = new Map(
    [...plan.subtopologies, ...plan.globalSubtopologies].flatMap(({ stores }) =>
      stores.map(({ builder, changelogTopic }) => [builder.name, changelogTopic] as const),
    ),
  )
  return streams.describeStores().map(description => {
    const { name, kind, isGlobal, partitions, lag } = description
    return {
      name,
      kind,
      isGlobal,
      changelogTopic: changelogs.get(name) ?? null,
      keys: keysOf(streams, description),
      bytes: bytes.get(name) ?? null,
      partitions,
      lag: lag ?? null,
    }
  })
}

function keysOf(
  streams: KafkaStreams,
  { name, kind, isGlobal, partitions }: StoreDescription,
): number | null {
  if (!COUNTED.has(kind) || (!isGlobal && partitions.length === 0)) return null
  try {
    return streams.store(name).approximateNumEntries()
  } catch (error) {
    // It may be gone since it was described, and comes back.
    if (error instanceof StreamsError) return null
    throw error
  }
}

/** Gauges of stores have the store's name in a tag that begins with its kind. */
function bytesByStore(samples: readonly MetricSample[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const { group, name, tags, value } of samples) {
    if (group !== METRIC_GROUPS.own || (name !== 'store-cache-bytes' && name !== 'uncommitted-bytes'))
      continue
    const store = Object.entries(tags).find(([tag]) => tag.endsWith('-state-id') || tag === 'store')?.[1]
    if (store !== undefined) found.set(store, (found.get(store) ?? 0) + value)
  }
  return found
}
