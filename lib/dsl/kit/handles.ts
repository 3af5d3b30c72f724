import type { Serde } from '../../serde/serde.ts'
import type { Aggregator } from '../options/functions.ts'
import type { Graph } from '../graph/graph.ts'
import type { GraphNode } from '../graph/graph-node.ts'
import type { TableOperator, TableValueGetter } from './table-operator.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'

/**
 * The key under which the objects of the DSL carry their place in the graph. Being a symbol, it stays out of
 * the way of users.
 */
export const HANDLE: unique symbol = Symbol('millrace.dsl.part')

/** A stream's place in the graph, to which operators add. Its types are known to `KStream<K, V>` alone. */
export interface StreamHandle {
  readonly graph: Graph
  readonly node: GraphNode
  /**
   * Name that the next operators are derived from: the node's, except after a repartitioning, as in Kafka
   * Streams.
   */
  readonly name: string
  /** Serde of the keys; undefined: the application's default. */
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  /** Names of the source nodes its records come from: what must be co-partitioned in a join. */
  readonly sources: ReadonlySet<string>
  /**
   * Whether the key has changed since the records were read: operators that need equal keys in one place must
   * repartition first.
   */
  readonly repartitionRequired: boolean
  /** The repartition node that joins of this very stream share. */
  readonly joinRepartition: SharedNode
}

/** A node made by the first operator that needs it, and used by the others. */
export interface SharedNode {
  node?: GraphNode
}

export interface TableHandle extends Omit<StreamHandle, 'repartitionRequired' | 'joinRepartition'> {
  readonly operator: TableOperator
  readonly queryableStoreName: string | undefined
}

export interface GlobalTableHandle<K = unknown, V = unknown> {
  readonly values: TableValueGetter
  readonly queryableStoreName: string | undefined
  /** Always undefined; it ties the types of the table to the object. */
  readonly types?: readonly [K, V]
}

export interface GroupedHandle {
  readonly stream: StreamHandle
  readonly repartitionRequired: boolean
  /** The name the user gave to the grouping, and so to its repartition topic. */
  readonly givenName: string | undefined
  /** The repartition node that the aggregations of a named grouping share. */
  readonly namedRepartition: SharedNode
}

export interface GroupedTableHandle {
  readonly graph: Graph
  readonly node: GraphNode
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly givenName: string | undefined
  readonly namedRepartition: SharedNode
}

/** A grouped stream in windows of any kind. */
export interface WindowedHandle {
  readonly group: GroupedHandle
  readonly windows: AnyWindows
  readonly emit: EmitStrategy
}

/** Grouped streams that are aggregated into one table. */
export interface CogroupedHandle {
  readonly groups: readonly CogroupedMember[]
  /** The repartition nodes, which all tables made of the groups share. */
  readonly repartitions: Map<GroupedHandle, GraphNode>
}

export interface CogroupedMember {
  readonly group: GroupedHandle
  readonly aggregator: Aggregator<unknown, unknown, unknown>
}
