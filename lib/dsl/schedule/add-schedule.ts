import { serdes } from '../../serde/serdes.ts'
import type { Serde } from '../../serde/serde.ts'
import type { SchedulePolicy, ScheduleState } from '../../store/operator/schedule-state.ts'
import { scheduleStoreBuilder } from '../../store/operator/schedule-store.ts'
import type { ScheduledNode, ScheduleSink } from '../../topology/plan.ts'
import type { Graph } from '../graph/graph.ts'
import type { GraphNode, OwnSourceDefinition } from '../graph/graph-node.ts'
import { checkName } from '../graph/node-name.ts'
import { processorRole } from '../kit/add-node.ts'
import type { StreamHandle } from '../kit/handles.ts'
import { dueMs } from './due-fires.ts'
import { definitionText, schedulePolicy, type ScheduleOptions } from './schedule-options.ts'
import { fireLabel, ScheduleOperator, type CodeSchedule, type ScheduleSettings } from './schedule-operator.ts'

/** A sink that definitions may name. */
export interface ScheduleSinkOptions<K = unknown, V = unknown> {
  readonly topic: string
  readonly keySerde: Serde<K>
  readonly valueSerde: Serde<V>
}

export interface SchedulesOptions {
  /** Where firings go, by the names that definitions call it. At least one. */
  // The serdes are of any types: a client's `put` is checked by them when it serialises.
  readonly to: { readonly [sink: string]: ScheduleSinkOptions<never, never> | ScheduleSinkOptions }
  /** Name of the node, and of its topic: `<applicationId>-<name>`. Default `schedules`. */
  readonly name?: string | undefined
  /** Partitions of the topic of definitions, and so tasks that fire. Default 1. */
  readonly partitionCount?: number | undefined
}

/**
 * Adds a source of orders, and below it the node that fires. All names come from the id, so that no other
 * name depends on the schedule.
 */
export function addSchedule(graph: Graph, id: string, options: ScheduleOptions): StreamHandle {
  const { per = 'application' } = options
  if (per !== 'application' && per !== 'partition') {
    throw new TypeError(`per is ${JSON.stringify(per)}: it must be "application" or "partition"`)
  }
  const code = {
    id: checkName(id),
    definition: definitionText(options),
    policy: schedulePolicy(options),
    per,
  }
  const topic = `${id}-schedule`
  const node = addOperator(graph, id, per === 'application' ? 1 : 'tasks', {
    ...{ topic, storeName: topic, code, sinks: new Map() },
  })
  return {
    graph,
    node,
    name: id,
    keySerde: serdes.string() as Serde<unknown>,
    valueSerde: serdes.json(),
    sources: new Set([`${id}-source`]),
    // In each partition there is the same key.
    repartitionRequired: per === 'partition',
    joinRepartition: {},
  }
}

/** Adds a source of definitions, the node that fires, and the sinks. */
export function addSchedules(graph: Graph, options: SchedulesOptions): void {
  const { to, name = 'schedules', partitionCount = 1 } = options
  checkName(name)
  if (!(Number.isSafeInteger(partitionCount) && partitionCount >= 1)) {
    throw new TypeError(`partitionCount is ${partitionCount}: it must be a whole number of at least 1`)
  }
  const given = Object.entries(to)
  if (given.length === 0) throw new TypeError(`schedules "${name}" need at least one sink: give to`)
  const sinks = new Map(given.map(([sink]) => [sink, checkName(`${name}-${sink}`)]))
  const described = new Map(given.map(([sink, how]) => [sink, how as ScheduleSink]))
  const settings = { topic: name, storeName: `${name}-state`, sinks }
  const node = addOperator(graph, name, partitionCount, settings, described)
  const bytes = { keySerde: serdes.bytes() as Serde<unknown>, valueSerde: serdes.bytes() as Serde<unknown> }
  for (const [sink, { topic }] of described)
    graph.add(sinks.get(sink) ?? sink, { kind: 'sink', topic, ...bytes, partitioner: undefined }, node)
}

function addOperator(
  graph: Graph,
  name: string,
  partitionCount: number | 'tasks',
  settings: ScheduleSettings,
  sinks?: ReadonlyMap<string, ScheduleSink>,
): GraphNode {
  const { topic, storeName, code } = settings
  const source = orderSource(`${name}-source`, topic, partitionCount)
  const parent = graph.add(source.name, { kind: 'own-source', source }, graph.root)
  const ownStore = () => scheduleStoreBuilder(storeName, dueOf(code))
  const schedule: ScheduledNode = { topic, storeName, ...(code && { code }), ...(sinks && { sinks }) }
  const supplier = { get: () => new ScheduleOperator(settings) }
  return graph.add(name, processorRole({ supplier, ownStore, schedule }), parent)
}

function orderSource(name: string, topic: string, partitionCount: number | 'tasks'): OwnSourceDefinition {
  return {
    name,
    topics: [topic],
    keySerde: serdes.bytes() as Serde<unknown>,
    valueSerde: serdes.bytes() as Serde<unknown>,
    // Orders come before the records of other sources, and are no reason for stream time to move.
    timestampExtractor: () => 0,
    own: { partitionCount, config: { 'cleanup.policy': 'compact' }, isKept: true },
  }
}

function dueOf(code: CodeSchedule | undefined) {
  return (id: string, state: ScheduleState, partition: number): number => {
    const policy: SchedulePolicy | undefined = state.policy ?? code?.policy
    if (state.nextMs === null || state.isPaused) return Infinity
    return dueMs(fireLabel(id, code, partition), state.nextMs, policy?.jitterMs ?? 0)
  }
}
