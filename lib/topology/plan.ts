import type { ProcessorSupplier } from '../processor/processor.ts'
import type { StreamPartitioner, TopicNameExtractor } from '../processor/stream-partitioner.ts'
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts'
import type { Serde } from '../serde/serde.ts'
import type { OwnSource } from './own-source.ts'
import type { StoreBuilder } from '../store/contract/state-store.ts'

/**
 * The processing graph as plain, frozen data: what `Topology.plan(applicationId)` makes and the runtime runs.
 * Topic names are the real ones (internal topics carry the application id). Nodes are listed in the order in
 * which they were added.
 */
export interface TopologyPlan {
  readonly applicationId: string
  readonly subtopologies: readonly SubtopologyPlan[]
  readonly globalSubtopologies: readonly SubtopologyPlan[]
  /** By topic name. */
  readonly repartitionTopics: ReadonlyMap<string, RepartitionTopicPlan>
  /** Source topics that must have equally many partitions. */
  readonly coPartitionGroups: readonly CoPartitionGroup[]
}

export interface CoPartitionGroup {
  /** Topics of the user, whose partition counts are given and must agree. */
  readonly topics: readonly string[]
  /** Patterns of sources: what matches belongs to `topics`. */
  readonly patterns?: readonly RegExp[]
  /** Repartition topics, which adapt to the others. */
  readonly repartitionTopics: readonly string[]
}

/** A connected part of the graph: the unit of parallelism, one task per partition number. */
export interface SubtopologyPlan {
  readonly id: number
  readonly nodes: readonly NodePlan[]
  readonly stores: readonly StorePlan[]
  /** All topics its sources read, repartition topics included. */
  readonly sourceTopics: readonly string[]
  /** Topics its sinks write; those chosen record by record are not known. */
  readonly sinkTopics: readonly string[]
}

export type NodePlan = SourceNodePlan | ProcessorNodePlan | SinkNodePlan

export interface SourceNodePlan {
  readonly kind: 'source'
  readonly name: string
  readonly children: readonly string[]
  /**
   * Topics that it reads; with a pattern none in the topology's plan, those that match in the plan that runs.
   */
  readonly topics: readonly string[]
  /** Reads every topic whose whole name matches. */
  readonly pattern: RegExp | undefined
  /** Undefined serdes are the application's defaults. */
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  /** Undefined: the application's default. */
  readonly timestampExtractor: TimestampExtractor | undefined
  /** Undefined: the application's default (`earliest`). */
  readonly offsetReset: OffsetReset | undefined
  /** Set where the topic is the application's own, and not one between two of its sub-topologies. */
  readonly own?: OwnSource | undefined
  /** Whether the topic holds a table, and so has to be compacted. */
  readonly mustBeCompacted?: boolean | undefined
}

/** Where to begin in a partition without a committed offset. */
export type OffsetReset = 'earliest' | 'latest' | 'none'

export interface ProcessorNodePlan {
  readonly kind: 'processor'
  readonly name: string
  readonly children: readonly string[]
  readonly supplier: ProcessorSupplier
  /** Names of the stores it may use; global stores need no connection. */
  readonly stores: readonly string[]
  /** Topics of the application that it alone writes; undefined: none. */
  readonly ownTopics?: readonly OwnTopicPlan[]
  /** Set where the node takes commands. */
  readonly control?: ControlledNode
  /** Set where the node fires schedules. */
  readonly schedule?: ScheduledNode
}

/** A node with schedules, as clients need to know it. */
export interface ScheduledNode {
  /** Topic of definitions and orders; in a node's definition without the application's id. */
  readonly topic: string
  readonly storeName: string
  /** The one schedule that the code says. */
  readonly code?: {
    readonly id: string
    /** Its times, as text. */
    readonly definition: string
    readonly per: 'application' | 'partition'
  }
  /** Where schedules of definitions may fire to, by name. */
  readonly sinks?: ReadonlyMap<string, ScheduleSink>
}

export interface ScheduleSink {
  readonly topic: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
}

/** An operator that people may pause, and how they name its keys to it. */
export interface ControlledNode {
  /** Serde of the keys; undefined: the application's default. */
  readonly keySerde: Serde<unknown> | undefined
  /** The store in which its records wait, whose changelog is the topic for the serde. */
  readonly storeName: string
}

/** A topic that the application makes, with a partition for each task of the node that writes it. */
export interface OwnTopicPlan {
  readonly topic: string
  readonly config: { readonly [name: string]: string }
}

export interface SinkNodePlan {
  readonly kind: 'sink'
  readonly name: string
  readonly topic: string | TopicNameExtractor
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly partitioner: StreamPartitioner | undefined
}

export interface StorePlan {
  readonly builder: StoreBuilder
  /**
   * Undefined: not logged. For a table that reads its source topic as changelog, and for global stores: that
   * topic.
   */
  readonly changelogTopic: string | undefined
  /**
   * The changelog is a source topic: nothing is sent to it, and it is replayed to the committed offset only.
   */
  readonly changelogIsSource: boolean
}

export interface RepartitionTopicPlan {
  readonly topic: string
  /** Undefined: the largest count upstream. */
  readonly partitionCount: number | undefined
  readonly config: { readonly [name: string]: string }
}
