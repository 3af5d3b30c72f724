/*
 * How to add an operator of the DSL
 *
 * 1. One file in `operators/`, named after the method. It holds
 *    - the `Processor` class: the code that runs, in the record path, so no closure, promise or needless
 *      object a record; `init` fetches stores and counters;
 *    - the function that the method calls: it takes the part (`StreamHandle`, `TableHandle`, …) and the
 *      options, names the node with `graph.name(options.name, 'KSTREAM-…-')` (numbers are drawn in Kafka
 *      Streams' order: describe() texts and internal topic names depend on it), adds it with one of the
 *      helpers below and returns the part of the result.
 * 2. Serdes of the result: hand them on only where key or value cannot have changed type.
 * 3. Repartitioning: an operator that may change keys sets `repartitionRequired`; one that needs equal keys
 *    in one place goes through a topic (`plan-repartition.ts`) if it is set, and `graph.coPartition` if it
 *    has two inputs.
 * 4. A table's operator is a class that implements `TableOperator`: it answers for old values and for
 *    lookups.
 * 5. The method: its signature and documentation in `api/kstream.ts`, one line in `methods/`.
 * 6. Tests: the golden cases of the operator in test/oracle/cases (its `op` in test/oracle/build-topology.ts
 *    lets them run), types in test/types, and what the cases do not show in test/dsl.
 */
import { TopologyError } from '../../common/errors/errors.ts'
import type { Processor } from '../../processor/processor.ts'
import type { StoreBuilder } from '../../store/contract/state-store.ts'
import type { GraphNode, ProcessorRole } from '../graph/graph-node.ts'
import type { StreamHandle, TableHandle } from './handles.ts'
import type { TableOperator } from './table-operator.ts'

const PLAIN = {
  kind: 'processor',
  stores: [],
  ownStore: undefined,
  changesKey: false,
  changesValue: false,
  ofProcess: false,
  merges: false,
  acceptsNullKeys: false,
} as const

/** The role of a processor node, of which most operators need little. */
export function processorRole(role: Partial<ProcessorRole> & Pick<ProcessorRole, 'supplier'>): ProcessorRole {
  return { ...PLAIN, ...role }
}

/** Adds a node below a stream. Returns the new stream, which differs from the old one by `changes`. */
export function addStreamNode(
  stream: StreamHandle,
  node: {
    readonly prefix: string
    readonly name: string | undefined
    /** Makes a processor. `node`: the node's name, for messages. */
    readonly get: (node: string) => Processor
    readonly role?: Partial<ProcessorRole>
    /** Stores of the node's own, beside those that the role names. */
    readonly stores?: readonly StoreBuilder[]
  },
  changes: Partial<StreamHandle> = {},
): StreamHandle {
  const name = stream.graph.name(node.name, node.prefix)
  const added = stream.graph.add(
    name,
    processorRole({ supplier: { get: () => node.get(name), stores: node.stores ?? [] }, ...node.role }),
    stream.node,
  )
  return { ...stream, name, node: added, joinRepartition: {}, ...changes }
}

/** Changes by an operator of values: the key stays, the value may be of another type. */
export const NEW_VALUE = { valueSerde: undefined } as const
/**
 * Changes by an operator of keys and values: both may be of other types, and records may lie in the wrong
 * partition.
 */
export const NEW_KEY_AND_VALUE = {
  keySerde: undefined,
  valueSerde: undefined,
  repartitionRequired: true,
} as const
export const NEW_KEY = { keySerde: undefined, repartitionRequired: true } as const

/**
 * Throws where two builders are mixed: they make two topologies, and streams joined or merged across them
 * would be in neither.
 */
export function checkSameBuilder(
  left: Pick<StreamHandle, 'graph'>,
  right: Pick<StreamHandle, 'graph'>,
): void {
  if (left.graph === right.graph) return
  throw new TopologyError(
    'OTHER_BUILDER',
    'streams and tables of two StreamsBuilders cannot be joined or merged: make both with the same builder.',
  )
}

/** Adds a node of a table below `parent`. */
export function addTableNode(
  parent: TableHandle,
  name: string,
  operator: TableOperator,
  ownStore: (() => StoreBuilder | undefined) | undefined,
): GraphNode {
  return parent.graph.add(name, processorRole({ supplier: operator, ownStore }), parent.node)
}
