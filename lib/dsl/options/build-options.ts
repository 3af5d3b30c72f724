import type { ProcessorWrapper } from '../../processor/processor-wrapper.ts'

/** Rewrites of a topology, under the names of Kafka Streams' `topology.optimization`. */
export type Optimization =
  'reuse.ktable.source.topics' | 'merge.repartition.topics' | 'single.store.self.join'

export interface BuildOptions {
  /**
   * Rewrites to apply. Default `none`. They change which internal topics there are: turning them on for an
   * application that has run is a change of its topology, after which it must be reset.
   */
  readonly optimization?: 'none' | 'all' | readonly Optimization[]
  /**
   * Whether `merge.repartition.topics` knows that `process` and `processValues` may change keys and values.
   * Default false, as in Kafka Streams (KAFKA-19668), for the sake of running applications: then a topic may
   * come to stand before a `process` that changes keys. New programs that optimize should say true.
   */
  readonly enableProcessProcessValueFix?: boolean
  /**
   * Refuses generated names of stores and internal topics, which a later change of the program would shift
   * (KIP-1111). Default false.
   */
  readonly ensureExplicitInternalResourceNaming?: boolean
  /** Gets hold of every processor, those of operators included (KIP-1112). */
  readonly processorWrapper?: ProcessorWrapper
}

const ALL: readonly Optimization[] = [
  'reuse.ktable.source.topics',
  'merge.repartition.topics',
  'single.store.self.join',
]

/** Throws `TypeError` for a word that is none. */
export function optimizations({ optimization = 'none' }: BuildOptions): ReadonlySet<Optimization> {
  if (optimization === 'none') return new Set()
  if (optimization === 'all') return new Set(ALL)
  const words = Array.isArray(optimization) ? (optimization as readonly string[]) : [String(optimization)]
  const unknown = words.find(word => !ALL.some(known => known === word))
  if (unknown !== undefined) {
    throw new TypeError(
      `optimization "${unknown}" is unknown: use 'none', 'all', or a list of ${ALL.join(', ')}`,
    )
  }
  return new Set(words as readonly Optimization[])
}
