import type { Admin, Broker } from '../../broker/broker.ts'
import { readTopic } from '../../broker/open/read-topic.ts'
import { utf8Text } from '../../common/bytes.ts'
import type { ScheduleDefinition } from '../../dsl/schedule/next-fire.ts'
import {
  decodeNote,
  DONE_HEADER,
  parseOrderKey,
  readDefinition,
  type OrderNote,
  type ReadDefinition,
} from '../../dsl/schedule/schedule-order.ts'
import { KnownTimes, parseDefinition } from '../../dsl/schedule/schedule-options.ts'
import type { SchedulePolicy, ScheduleState, ScheduleTarget } from '../../store/operator/schedule-state.ts'
import { decodeState } from '../../store/operator/schedule-state.ts'
import type { ScheduledNode } from '../../topology/plan.ts'

export interface ListedSchedule {
  readonly id: string
  /** Whether `builder.schedule` says it, or a definition in a topic. */
  readonly source: 'code' | 'data'
  readonly definition: ScheduleDefinition
  /** Undefined in those of the code. */
  readonly policy: SchedulePolicy | undefined
  readonly to: ScheduleTarget | undefined
  /** Who has paused it, when and why; undefined: it is not. */
  readonly paused: OrderNote | undefined
  /** Time that fires next, without its jitter; undefined where none comes, or while it is paused. */
  readonly nextMs: number | undefined
  /** Time that fired last, as the schedule names it; undefined where none did. */
  readonly lastMs: number | undefined
  /** Whether the application has taken it up: else `nextMs` is computed from now, and `lastMs` not known. */
  readonly isTaken: boolean
}

export interface ScheduleReading {
  readonly applicationId: string
  readonly broker: Broker
  readonly admin: Admin
  readonly nowMs: number
}

/** The schedules of a node, as its topic and the application's state of the last commit have them. */
export async function readSchedules(
  node: ScheduledNode,
  reading: ScheduleReading,
): Promise<ListedSchedule[]> {
  const { definitions, pauses } = await readOrders(node, reading)
  const states = await readStates(node, reading)
  const times = new KnownTimes()
  const all = node.code ? [[node.code.id, { definition: node.code.definition }] as const] : definitions
  return Array.from(
    all,
    ([id, read]: readonly [string, Partial<ReadDefinition> & { definition: string }]) => {
      const known = states.get(id)
      const state = known?.definition === read.definition ? known : undefined
      const paused = pauses.get(id)
      const isCurrent = state !== undefined && !state.isPaused
      const nextMs = isCurrent ? (state.nextMs ?? undefined) : times.of(read.definition).next(reading.nowMs)
      return {
        id,
        source: node.code ? 'code' : 'data',
        definition: parseDefinition(read.definition),
        policy: read.policy,
        to: read.to,
        paused,
        nextMs: paused ? undefined : nextMs,
        lastMs: state?.lastMs ?? undefined,
        isTaken: state !== undefined,
      }
    },
  )
}

interface Orders {
  readonly definitions: ReadonlyMap<string, ReadDefinition>
  readonly pauses: ReadonlyMap<string, OrderNote>
}

async function readOrders({ topic }: ScheduledNode, reading: ScheduleReading): Promise<Orders> {
  const definitions = new Map<string, ReadDefinition>()
  const pauses = new Map<string, OrderNote>()
  for await (const { records } of readTopic(topic, { ...reading, clientId: 'millrace-schedules' })) {
    for (const { key, value, headers } of records) {
      const order = parseOrderKey(key)
      if (order?.kind === 'pause') put(pauses, order.id, value, decodeNote)
      else if (order?.kind === 'define') put(definitions, order.id, value, readDefinition)
      if (headers.some(header => header.key === DONE_HEADER) && order) pauses.delete(order.id)
    }
  }
  return { definitions, pauses }
}

/** Leaves out what cannot be read, as the application does. */
function put<T>(
  map: Map<string, T>,
  id: string,
  value: Uint8Array | null,
  read: (value: Uint8Array) => T,
): void {
  if (value === null) map.delete(id)
  else
    try {
      map.set(id, read(value))
    } catch {
      // The application's log says why.
    }
}

/** Of a schedule that each task has, the state that is furthest. */
async function readStates(
  { storeName }: ScheduledNode,
  reading: ScheduleReading,
): Promise<ReadonlyMap<string, ScheduleState>> {
  const topic = `${reading.applicationId}-${storeName}-changelog`
  const byPlace = new Map<string, { readonly id: string; readonly state: ScheduleState }>()
  for await (const { partition, records } of readTopic(topic, {
    ...reading,
    clientId: 'millrace-schedules',
  })) {
    for (const { key, value } of records) {
      const id = key ? utf8Text(key) : ''
      if (value === null) byPlace.delete(`${partition}/${id}`)
      else byPlace.set(`${partition}/${id}`, { id, state: decodeState(value, topic) })
    }
  }
  const states = new Map<string, ScheduleState>()
  for (const { id, state } of byPlace.values())
    if (state.afterMs >= (states.get(id)?.afterMs ?? 0)) states.set(id, state)
  return states
}
