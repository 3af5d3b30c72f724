import type { ProcessorSupplier } from '../processor/processor.ts'
import type { StreamPartitioner, TopicNameExtractor } from '../processor/stream-partitioner.ts'
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts'
import type { Serde } from '../serde/serde.ts'
import type { StoreBuilder } from '../store/contract/state-store.ts'
import type { OwnSource } from './own-source.ts'
import type { ControlledNode, OffsetReset, ScheduledNode } from './plan.ts'

/**
 * Nodes while a topology is being built. Topic names of internal topics do not carry the application id yet.
 */
export type NodeDefinition = SourceDefinition | ProcessorDefinition | SinkDefinition

/** Undefined serdes, extractor and reset are the application's defaults, which a topology does not know. */
export interface SourceDefinition {
  readonly kind: 'source'
  readonly name: string
  /** None where there is a pattern. */
  readonly topics: readonly string[]
  readonly pattern: RegExp | undefined
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly timestampExtractor: TimestampExtractor | undefined
  readonly offsetReset: OffsetReset | undefined
  /** Set where the topic is the application's own, and not one between two of its sub-topologies. */
  readonly own?: OwnSource | undefined
  /** Whether the topic holds a table, and so has to be compacted. */
  readonly mustBeCompacted?: boolean | undefined
}

export interface ProcessorDefinition {
  readonly kind: 'processor'
  readonly name: string
  readonly parents: readonly string[]
  readonly supplier: ProcessorSupplier
  /** In the order of connection; grows. */
  readonly stores: Set<string>
  readonly ownTopics?: readonly OwnTopicDefinition[] | undefined
  /** Set where the node takes commands. */
  readonly control?: ControlledNode | undefined
  /** Set where the node fires schedules. */
  readonly schedule?: ScheduledNode | undefined
}

/** A topic that the node writes for itself, one partition a task. */
export interface OwnTopicDefinition {
  /** Without the application's id. */
  readonly name: string
  readonly config: { readonly [name: string]: string }
}

/** Has no children: whoever wants its records reads its topic. */
export interface SinkDefinition {
  readonly kind: 'sink'
  readonly name: string
  readonly parents: readonly string[]
  readonly topic: string | TopicNameExtractor
  /** Whether the topic is that of a source of the application's own. */
  readonly isOwn?: boolean | undefined
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly partitioner: StreamPartitioner | undefined
}

export interface StoreDefinition {
  readonly builder: StoreBuilder
  /** Names of the nodes that use it; grows. */
  readonly processors: Set<string>
}

export interface RepartitionTopicDefinition {
  /** Undefined: as many as in Kafka Streams. */
  readonly partitionCount: number | undefined
}

export function parentsOf(node: NodeDefinition): readonly string[] {
  return node.kind === 'source' ? [] : node.parents
}
