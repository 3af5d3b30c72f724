import { callSite } from '../../common/errors/call-site.ts'
import type { ProcessorSupplier } from '../../processor/processor.ts'
import type { StreamPartitioner, TopicNameExtractor } from '../../processor/stream-partitioner.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StoreBuilder } from '../../store/contract/state-store.ts'
import type { OwnTopicDefinition, SourceDefinition } from '../../topology/node-definition.ts'
import type { OwnSource } from '../../topology/own-source.ts'
import type { ControlledNode, ScheduledNode } from '../../topology/plan.ts'
import type { ConsumedOptions } from '../options/options.ts'

/**
 * One operator in the logical plan. Plain data, so that the optimizer can look at the plan and change it
 * before anything is written to a topology.
 */
export class GraphNode {
  /** Name of the topology node that children take their records from. */
  readonly name: string
  readonly role: Role
  readonly parents = new Set<GraphNode>()
  readonly children = new Set<GraphNode>()
  /**
   * Order of writing; assigned anew whenever the node gets another parent, as in Kafka Streams, since numbers
   * of sub-topologies depend on it.
   */
  priority = 0
  /** Place of the operator's call in the user's code. */
  readonly site = callSite()

  constructor(name: string, role: Role) {
    this.name = name
    this.role = role
  }
}

export type Role =
  | RootRole
  | StreamSourceRole
  | OwnSourceRole
  | TableSourceRole
  | ProcessorRole
  | TableJoinRole
  | StreamJoinRole
  | RepartitionRole
  | SinkRole
  | StoreRole
  | TopicStoreRole

export interface RootRole {
  readonly kind: 'root'
}

export interface StreamSourceRole {
  readonly kind: 'stream-source'
  readonly topics: readonly string[]
  readonly pattern: RegExp | undefined
  readonly consumed: ConsumedOptions<unknown, unknown>
}

/** A source of the application's own, under the name of the node. */
export interface OwnSourceRole {
  readonly kind: 'own-source'
  readonly source: OwnSourceDefinition
}

/** What is read from a topic that the application makes for one of its nodes. */
export type OwnSourceDefinition = Omit<SourceDefinition, 'kind' | 'pattern' | 'own' | 'offsetReset'> &
  Required<Pick<SourceDefinition, 'own'>>

/** A source and the processor that turns its records into changes of a table. */
export interface TableSourceRole {
  readonly kind: 'table-source'
  readonly sourceName: string
  readonly topic: string
  readonly consumed: ConsumedOptions<unknown, unknown>
  readonly supplier: ProcessorSupplier
  readonly ownStore: () => StoreBuilder | undefined
}

export interface ProcessorRole {
  readonly kind: 'processor'
  readonly supplier: ProcessorSupplier
  /** Names of stores that other nodes add. */
  readonly stores: readonly string[]
  /**
   * Returns the table's own store, if it has one. Asked when the plan is written: only then is it known
   * whether the table needs a store.
   */
  readonly ownStore: (() => StoreBuilder | undefined) | undefined
  /** A source for the node alone. Neither it nor its topic draws a number. */
  readonly ownSource?: OwnSourceDefinition | undefined
  /** Topics that the node writes for itself. */
  readonly ownTopics?: readonly OwnTopicDefinition[]
  /** Set where the node takes commands. */
  readonly control?: ControlledNode
  /** Set where the node fires schedules. */
  readonly schedule?: ScheduledNode
  /**
   * Whether the node changes keys. The optimizer moves repartition topics up to changes of the key, not past
   * changes of the value. Joins are not marked, as in Kafka Streams.
   */
  readonly changesKey: boolean
  readonly changesValue: boolean
  /**
   * Whether the node is made by `process` or `processValues`, whose changes the optimizer overlooks unless
   * told otherwise (`BuildOptions`).
   */
  readonly ofProcess: boolean
  /** Whether two streams become one in the node. */
  readonly merges: boolean
  /**
   * Whether the node is a left join: records without key have results, so no repartition topic above it may
   * drop them (KIP-962).
   */
  readonly acceptsNullKeys: boolean
}

/** A join of tables: a processor for each side, and one behind both. */
export interface TableJoinRole {
  readonly kind: 'table-join'
  readonly left: TableJoinSideRole
  readonly right: TableJoinSideRole
  readonly merger: ProcessorSupplier
  readonly ownStore: (() => StoreBuilder | undefined) | undefined
}

export interface TableJoinSideRole {
  readonly name: string
  /** Name of the node whose changes the side gets. */
  readonly parent: string
  readonly supplier: ProcessorSupplier
  /** Stores in which the other side's rows are looked up. */
  readonly stores: readonly string[]
}

/**
 * A join of two streams: for each side a node that keeps its records, and behind it one that looks at the
 * other side's; and a node behind both.
 */
export interface StreamJoinRole {
  readonly kind: 'stream-join'
  readonly left: StreamJoinSideRole
  readonly right: StreamJoinSideRole
  readonly merger: ProcessorSupplier
  /** Store of unmatched records of both sides; undefined in an inner join. */
  readonly unmatchedStore: StoreBuilder | undefined
  /**
   * Joins over the left side's store alone, where both sides are the same stream (`single.store.self.join`).
   */
  readonly selfJoin: ProcessorSupplier
  /** Whether records without key have results, as in `ProcessorRole`. */
  readonly acceptsNullKeys: boolean
}

export interface StreamJoinSideRole {
  readonly name: string
  /** Node that keeps the side's records. */
  readonly window: GraphNode
  readonly store: StoreBuilder
  readonly supplier: ProcessorSupplier
}

/**
 * A filter for null keys, a sink and a source around a topic of the application. The node's name is the
 * source's.
 */
export interface RepartitionRole {
  readonly kind: 'repartition'
  /** Name of the filter; undefined for grouped tables, which drop null keys themselves. */
  readonly filterName: string | undefined
  readonly sinkName: string
  readonly topic: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly partitioner: StreamPartitioner | undefined
  readonly partitionCount: number | undefined
  /** Whether the topic may be merged with others: the user did not ask for this very topic. */
  readonly optimizable: boolean
}

export interface SinkRole {
  readonly kind: 'sink'
  /** Whether the topic is internal: made by the application, and named after it. */
  readonly internal?: boolean
  /** Whether the topic is that of a source of the application's own, and named after the application. */
  readonly isOwn?: boolean
  readonly topic: string | TopicNameExtractor
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly partitioner: StreamPartitioner | undefined
}

export interface StoreRole {
  readonly kind: 'store'
  readonly builder: StoreBuilder
}

/**
 * A source and a processor that keep a store filled from a topic: a global store, or one that each task has
 * for its partition (KIP-813).
 */
export interface TopicStoreRole {
  readonly kind: 'global-store' | 'read-only-store'
  readonly sourceName: string
  readonly topic: string
  readonly consumed: ConsumedOptions<unknown, unknown>
  /** Set where the application makes the topic of a global store. */
  readonly own?: OwnSource
  readonly supplier: ProcessorSupplier
  readonly builder: StoreBuilder
  /** Whether the topic has to be compacted. */
  readonly mustBeCompacted?: boolean
}
