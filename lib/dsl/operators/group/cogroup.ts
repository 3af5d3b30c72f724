import type { Processor } from '../../../processor/processor.ts'
import type { Serde } from '../../../serde/serde.ts'
import type { StoreBuilder } from '../../../store/contract/state-store.ts'
import type { Aggregator, Initializer, SessionMerger } from '../../options/functions.ts'
import type { Graph } from '../../graph/graph.ts'
import type { GraphNode } from '../../graph/graph-node.ts'
import { checkName } from '../../graph/node-name.ts'
import type { TableStore } from '../../kit/materialized.ts'
import { storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { TableOptions, WindowedTableOptions } from '../../options/options.ts'
import type { CogroupedMember, CogroupedHandle, GroupedHandle, TableHandle } from '../../kit/handles.ts'
import type { TableOperator, TableValueGetter } from '../../kit/table-operator.ts'
import { isVersioned } from '../../kit/table-operator.ts'
import { windowedStore } from '../../kit/windowed-materialized.ts'
import type { AnyWindows } from '../../windows/any-windows.ts'
import { checkSameBuilder, processorRole } from '../../kit/add-node.ts'
import { passThrough } from '../../kit/pass.ts'
import { addRepartition, planRepartition } from '../../kit/plan-repartition.ts'
import { StreamAggregate } from './stream-aggregate.ts'
import { synchronousFunctions, windowedOperator } from './windowed-stream.ts'

const AGGREGATE = 'COGROUPKSTREAM-AGGREGATE-'
const MERGE = 'COGROUPKSTREAM-MERGE-'
/** Callbacks in messages: the node's name tells which one it was. */
const CALLBACK = 'a callback of cogroup or its aggregate'
/** No serdes: the streams may differ in theirs, so none are inherited. */
const NO_SERDES = { keySerde: undefined, valueSerde: undefined } as const

export function beginCogroup<K, V, A>(
  group: GroupedHandle,
  aggregator: Aggregator<K, V, A>,
): CogroupedHandle {
  return withGroup({ groups: [], repartitions: new Map() }, group, aggregator)
}

/** The groups with one more. A group that is there already keeps its place and gets the new aggregator. */
export function withGroup<K, V, A>(
  part: CogroupedHandle,
  group: GroupedHandle,
  aggregator: Aggregator<K, V, A>,
): CogroupedHandle {
  const first = part.groups[0]
  if (first) checkSameBuilder(first.group.stream, group.stream)
  const member = { group, aggregator } as CogroupedMember
  const known = part.groups.some(other => other.group === group)
  const groups = known
    ? part.groups.map(other => (other.group === group ? member : other))
    : [...part.groups, member]
  return { ...part, groups }
}

export function aggregateCogroup<K, A>(
  part: CogroupedHandle,
  initializer: Initializer<A>,
  options: TableOptions<K, NonNullable<A>> = {},
): TableHandle {
  const store = tableStore(graphOf(part), options, AGGREGATE, NO_SERDES)
  return addCogroup(part, store, options.name, {
    builder: () => storeBuilder(store),
    keySerde: store.keySerde,
    operator: (aggregator, _i, node) =>
      new StreamAggregate(
        store.name,
        initializer as Initializer<unknown>,
        aggregator,
        { callback: CALLBACK, node },
        store.historyRetentionMs,
      ),
  })
}

/** Aggregates in windows. `merger`: for sessions. */
export function aggregateWindowedCogroup<K, A>(
  part: CogroupedHandle,
  windows: AnyWindows,
  initializer: Initializer<A>,
  merger: SessionMerger<K, A> | undefined,
  options: WindowedTableOptions<K, NonNullable<A>> = {},
): TableHandle {
  const emit = 'on-window-update'
  const store = tableStore(graphOf(part), options, AGGREGATE, NO_SERDES)
  const { builder, keySerde } = windowedStore(store, windows, emit, options)
  return addCogroup(part, store, options.name, {
    builder: () => builder,
    keySerde,
    operator: (aggregator, i, node) => {
      const given = { initializer, aggregator: aggregator as Aggregator<K, unknown, A>, merger }
      const functions = synchronousFunctions(given, { callback: CALLBACK, node })
      return windowedOperator(windows, functions, { storeName: store.name, id: `${store.name}-${i}`, emit })
    },
  })
}

interface CogroupPlan {
  readonly builder: () => StoreBuilder
  /** Serdes of the table. */
  readonly keySerde: Serde<unknown> | undefined
  /** Makes the aggregation of one group. `node`: the node's name. */
  operator(aggregator: Aggregator<unknown, unknown, unknown>, index: number, node: string): TableOperator
}

/** Adds an aggregation for each group, all on one store, and a node behind them for the table. */
function addCogroup(
  part: CogroupedHandle,
  store: TableStore,
  name: string | undefined,
  plan: CogroupPlan,
): TableHandle {
  const graph = graphOf(part)
  const parents = repartitionedGroups(part, store)
  graph.coPartition(...part.groups.map(({ group }) => group.stream.sources))
  const operators: TableOperator[] = []
  const nodes = part.groups.map(({ aggregator }, i) => {
    const node = graph.name(name, AGGREGATE, `-cogroup-agg-${i}`)
    const operator = plan.operator(aggregator, i, node)
    operators.push(operator)
    const place = i === 0 ? { ownStore: plan.builder } : { stores: [store.name] }
    const role = processorRole({ supplier: operator, ...place })
    return graph.add(node, role, parents[i] as GraphNode)
  })
  const merged = new CogroupedTable(operators)
  const mergeName = graph.name(name, MERGE, '-cogroup-merge')
  return {
    graph,
    node: graph.add(mergeName, processorRole({ supplier: merged }), ...nodes),
    name: mergeName,
    keySerde: plan.keySerde,
    valueSerde: store.valueSerde,
    sources: new Set(part.groups.flatMap(({ group }, i) => sourcesOf(group, parents[i] as GraphNode))),
    operator: merged,
    queryableStoreName: store.queryable ? store.name : undefined,
  }
}

/**
 * Groups behind their repartition topics. Numbers are drawn each time, used or not. Groups without names all
 * name their topics after the store, so there can be only one.
 */
function repartitionedGroups({ groups, repartitions }: CogroupedHandle, store: TableStore): GraphNode[] {
  return groups.map(({ group }) => {
    const { stream, givenName, repartitionRequired } = group
    if (!repartitionRequired) return stream.node
    const { graph, keySerde, valueSerde } = stream
    const topicPrefix = checkName(givenName ?? store.name)
    const planned = planRepartition(graph, { topicPrefix, keySerde, valueSerde })
    const node = repartitions.get(group) ?? addRepartition(stream, planned)
    repartitions.set(group, node)
    return node
  })
}

function sourcesOf({ stream, repartitionRequired }: GroupedHandle, node: GraphNode): string[] {
  return repartitionRequired ? [node.name] : [...stream.sources]
}

function graphOf({ groups }: CogroupedHandle): Graph {
  return (groups[0] as CogroupedMember).group.stream.graph
}

/** The table of several aggregations, which share its store. */
class CogroupedTable implements TableOperator {
  readonly #members: readonly TableOperator[]

  constructor(members: readonly TableOperator[]) {
    this.#members = members
  }

  get(): Processor {
    return passThrough.get()
  }

  requestOldValues(mayMaterialize: boolean): boolean {
    for (const member of this.#members) member.requestOldValues(mayMaterialize)
    return true
  }

  values(): TableValueGetter {
    return (this.#members[0] as TableOperator).values()
  }

  isVersioned(): boolean {
    return isVersioned(this.#members[0] as TableOperator)
  }
}
