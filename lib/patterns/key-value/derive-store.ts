import { TopologyError } from '../../common/errors/errors.ts'
import type { StreamsBuilder } from '../../dsl/methods/streams-builder.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'
import { Combine, combinedStore } from './combine.ts'
import { Contribute, contributedStore, type Contribution } from './contribute.ts'

/** A store's topic, and how it is read and written. */
export interface StoreTopic<K, V> {
  readonly topic: string
  /** Default `serdes.string()`. */
  readonly keySerde?: Serde<K>
  /** Default `serdes.json()`. */
  readonly valueSerde?: Serde<V>
}

export interface DerivedStoreOptions<K, V, KR, C, VR> {
  readonly from: StoreTopic<K, V>
  /** Nothing else may write it. */
  readonly to: StoreTopic<KR, VR>
  /** What a row adds to which rows of the derived store: the same for the same row. JSON. */
  readonly contributions: (value: V, key: K) => Iterable<readonly [KR, C]>
  /** A row of what was added to it, in the order of the keys it came from; null: there is none. */
  readonly combine: (contributions: readonly C[], key: KR) => VR | null
  /** Of the nodes, and in the names of their topics. Default `<from>-to-<to>`. */
  readonly name?: string
}

/** By builder: the stores that each store is derived into. */
const derived = new WeakMap<StreamsBuilder, Map<string, Set<string>>>()

/**
 * Adds a store that follows from another one: a row adds to any number of rows, and what it added goes when
 * it changes or is deleted. Changes, and what is remembered of them, are committed together with the offsets;
 * what is read again changes nothing. Throws `DERIVATION_CYCLE` where a store would follow from itself.
 * @example
 * ```ts
 * deriveStore<string, Country, string, string, TimeZone>(builder, {
 *   from: { topic: 'countries' },
 *   to: { topic: 'time-zones' },
 *   contributions: ({ timeZones }, code) => timeZones.map(zone => [zone, code]),
 *   combine: codes => ({ countries: codes }),
 * })
 * ```
 */
export function deriveStore<K, V, KR, C, VR>(
  builder: StreamsBuilder,
  options: DerivedStoreOptions<K, V, KR, C, VR>,
): void {
  const { from, to, contributions, combine } = options
  const { name = `${from.topic}-to-${to.topic}` } = options
  const text = serdes.string() as Serde<unknown>
  const { keySerde: fromKey = text as Serde<K>, valueSerde: fromValue = serdes.json<V>() } = from
  const { keySerde: toKey = text as Serde<KR>, valueSerde: toValue = serdes.json<VR>() } = to
  addEdge(builder, { from: from.topic, to: to.topic })
  const contributed = contributedStore<C>(`${name}-contributed`)
  const combined = combinedStore<C>(`${name}-combined`)
  builder
    .addStateStore(contributed)
    .addStateStore(combined)
    .stream<K | null, V | null>(from.topic, {
      keySerde: fromKey,
      valueSerde: fromValue,
      name: `${name}-source`,
    })
    .process<KR, Contribution<C>>(
      () =>
        new Contribute({
          from: { topic: from.topic, keySerde: fromKey },
          to: { topic: to.topic, keySerde: toKey },
          storeName: contributed.name,
          contributions,
        }),
      { name: `${name}-contribute`, stores: [contributed.name] },
    )
    .repartition({ name, keySerde: toKey, valueSerde: serdes.json<Contribution<C>>() })
    .process<KR, VR | null>(
      () =>
        new Combine({
          topic: to.topic,
          keySerde: toKey,
          valueSerde: toValue,
          storeName: combined.name,
          combine,
        }),
      { name: `${name}-combine`, stores: [combined.name] },
    )
    .to(to.topic, { keySerde: toKey, valueSerde: toValue, name: `${name}-sink` })
}

function addEdge(
  builder: StreamsBuilder,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  const edges = derived.get(builder) ?? new Map<string, Set<string>>()
  const back = pathBetween(edges, to, from)
  if (back) {
    const cycle = [...back, to].join(' → ')
    throw new TopologyError(
      'DERIVATION_CYCLE',
      `store "${to}" cannot be derived from "${from}": each change would cause itself again, ${cycle}`,
    )
  }
  derived.set(builder, edges.set(from, (edges.get(from) ?? new Set()).add(to)))
}

/** The stores on the way from one to another, both included; undefined where there is none. */
function pathBetween(
  edges: ReadonlyMap<string, ReadonlySet<string>>,
  start: string,
  end: string,
): string[] | undefined {
  if (start === end) return [start]
  for (const next of edges.get(start) ?? []) {
    const rest = pathBetween(edges, next, end)
    if (rest) return [start, ...rest]
  }
  return undefined
}
