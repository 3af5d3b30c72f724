import type { Serde } from '../../serde/serde.ts'
import type { Aggregator } from '../options/functions.ts'
import type { Graph } from '../graph/graph.ts'
import type { GraphNode } from '../graph/graph-node.ts'
import type { TableOperator, TableValueGetter } from './table-operator.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'

/**
 * Under this key the objects of the DSL carry their place in the graph. Being a symbol, it stays out of the
 * way of users.
 */
export const HANDLE: unique symbol = Symbol('millrace.dsl.part')

/**
 * Where a stream stands in the graph: what operators build on. Its types are the business of `KStream<K, V>`
 * alone.
 */
export interface StreamHandle {
  readonly graph: Graph
  readonly node: GraphNode
  /**
   * Usually the node's; differs only after a repartitioning, as in Kafka Streams, because it names what comes
   * next.
   */
  readonly name: string
  /** Undefined: the application's default. */
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  /** Names of the source nodes its records come from: what must be co-partitioned in a join. */
  readonly sources: ReadonlySet<string>
  /**
   * The key has changed since the records were read: whoever needs equal keys in one place must repartition
   * first.
   */
  readonly repartitionRequired: boolean
  /** The repartition node that joins of this very stream share. */
  readonly joinRepartition: SharedNode
}

/** Filled by the first operator that needs the node. */
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
  /** Never there; it ties the types of the table to the object. */
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
  /** The repartition nodes that all tables made of it share. */
  readonly repartitions: Map<GroupedHandle, GraphNode>
}

export interface CogroupedMember {
  readonly group: GroupedHandle
  readonly aggregator: Aggregator<unknown, unknown, unknown>
}
