import type { Processor, ProcessorSupplier } from '../processor/processor.ts'
import type { ProcessorWrapper } from '../processor/processor-wrapper.ts'
import type { StreamPartitioner, TopicNameExtractor } from '../processor/stream-partitioner.ts'
import type { ConsumedRecord } from '../processor/timestamp-extractor.ts'
import type { Serde } from '../serde/serde.ts'
import type { OffsetReset } from './plan.ts'

export interface TopologyOptions {
  readonly processorWrapper?: ProcessorWrapper
}

/** How a source reads its topics. What is left out is the application's default. */
export interface SourceOptions<K = unknown, V = unknown> {
  /** A topic belongs to one source of a topology. */
  readonly topics?: readonly string[]
  /** Instead of `topics`: all topics whose whole name matches, those that are created later included. */
  readonly pattern?: RegExp
  readonly keySerde?: Serde<K>
  readonly valueSerde?: Serde<V>
  /**
   * The time of a record, as a `TimestampExtractor` tells it; a tombstone has the value null, whatever the
   * serde.
   */
  timestampExtractor?(record: ConsumedRecord<NoInfer<K>, NoInfer<V>>, partitionTimeMs: number): number
  readonly offsetReset?: OffsetReset
}

export interface ProcessorOptions {
  /** Names of sources and processors whose records it gets; at least one. */
  readonly parents: readonly string[]
  /** Names of stores, added before, that it uses. */
  readonly stores?: readonly string[]
}

export interface SinkOptions<K = unknown, V = unknown> {
  /** A topic, or a function that names one for each record (KIP-303). */
  readonly topic: string | TopicNameExtractor<K, V>
  readonly parents: readonly string[]
  readonly keySerde?: Serde<K>
  readonly valueSerde?: Serde<V>
  readonly partitioner?: StreamPartitioner<K, V>
}

/** A store that is filled from one topic by one processor of its own. */
export interface TopicStoreOptions<K = unknown, V = unknown> {
  readonly sourceName: string
  readonly topic: string
  readonly processorName: string
  readonly keySerde?: Serde<K>
  readonly valueSerde?: Serde<V>
  /**
   * The time of a record, as a `TimestampExtractor` tells it; a tombstone has the value null, whatever the
   * serde.
   */
  timestampExtractor?(record: ConsumedRecord<NoInfer<K>, NoInfer<V>>, partitionTimeMs: number): number
}

/** What makes a processor for each task: an object with `get`, or just the function. */
export type ProcessorFactory<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> =
  ProcessorSupplier<KIn, VIn, KOut, VOut> | (() => Processor<KIn, VIn, KOut, VOut>)

export function supplierFrom<KIn, VIn, KOut, VOut>(
  factory: ProcessorFactory<KIn, VIn, KOut, VOut>,
): ProcessorSupplier<KIn, VIn, KOut, VOut> {
  return typeof factory === 'function' ? { get: factory } : factory
}
