import { ConfigError } from '../../common/errors/errors.ts'
import { nearest } from '../../common/nearest-name.ts'
import { nextFire, type ScheduleDefinition } from '../../dsl/schedule/next-fire.ts'
import { encodeDefinition, orderKey, toBase64 } from '../../dsl/schedule/schedule-order.ts'
import {
  definitionText,
  parseDefinition,
  schedulePolicy,
  type SchedulePolicyOptions,
} from '../../dsl/schedule/schedule-options.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ScheduledNode, ScheduleSink, TopologyPlan } from '../../topology/plan.ts'

/** A schedule as data: when it fires, and the record that a firing is. */
export type ScheduleRequest = ScheduleDefinition &
  SchedulePolicyOptions & {
    /** A sink of `builder.schedules`, by its name there, with the key and the value for it. */
    readonly to: { readonly sink: string; readonly key?: unknown; readonly value?: unknown }
  }

/** A record for the topic of a node with schedules. */
export interface OrderRecord {
  readonly topic: string
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

/** The schedules that a topology's code knows of, and what is written for those that are data. */
export class ScheduleRequests {
  readonly #applicationId: string
  readonly #nodes: readonly ScheduledNode[]

  constructor({ applicationId, subtopologies }: Pick<TopologyPlan, 'applicationId' | 'subtopologies'>) {
    this.#applicationId = applicationId
    this.#nodes = subtopologies.flatMap(({ nodes }) =>
      nodes.flatMap(node => (node.kind === 'processor' && node.schedule ? [node.schedule] : [])),
    )
  }

  /** Throws `NO_SCHEDULES` where there are none. */
  get nodes(): readonly ScheduledNode[] {
    if (this.#nodes.length > 0) return this.#nodes
    throw new ConfigError(
      'NO_SCHEDULES',
      `${this.#applicationId} has no schedules: add builder.schedule or builder.schedules to its topology`,
    )
  }

  /** The schedule of the code that has this id. */
  ofCode(id: string): ScheduledNode | undefined {
    return this.nodes.find(({ code }) => code?.id === id)
  }

  get sinks(): readonly string[] {
    return this.#nodes.flatMap(({ sinks }) => [...(sinks?.keys() ?? [])])
  }

  /** Throws `UNKNOWN_SINK`, and `NO_SCHEDULES`. */
  sink(name: string): readonly [ScheduledNode, ScheduleSink] {
    for (const node of this.nodes) {
      const sink = node.sinks?.get(name)
      if (sink) return [node, sink]
    }
    const { sinks } = this
    if (sinks.length === 0) {
      throw new ConfigError(
        'NO_SCHEDULES',
        `${this.#applicationId} takes no schedules as data: add builder.schedules to its topology`,
      )
    }
    const guess = nearest(name, sinks)
    const hint = guess === undefined ? `it has ${sinks.join(', ')}` : `did you mean ${guess}?`
    throw new ConfigError('UNKNOWN_SINK', `schedules have no sink ${name}; ${hint}`)
  }

  /**
   * The record of a definition. Throws `SCHEDULE_NEVER_FIRES`, `SCHEDULE_PAST`, `SCHEDULE_IN_CODE`,
   * `UNKNOWN_SINK`, `TypeError`, and what the sink's serdes throw.
   */
  define(id: string, request: ScheduleRequest, nowMs: number): OrderRecord {
    this.checkId(id)
    const { to, ...options } = request
    const definition = parseDefinition(definitionText(options))
    const policy = schedulePolicy(options)
    checkComes(id, definition, nowMs - policy.graceMs)
    const [node, sink] = this.sink(to.sink)
    const { keySerde, valueSerde, topic } = sink
    const target = {
      sink: to.sink,
      key: toBase64(bytesOf(keySerde, to.key, topic)),
      value: toBase64(bytesOf(valueSerde, to.value, topic)),
    }
    const value = encodeDefinition({ ...definition, ...policy, to: target })
    return { topic: node.topic, key: orderKey({ kind: 'define', id }), value }
  }

  /** Throws where the id can be none of a definition: `SCHEDULE_IN_CODE`, or `TypeError`. */
  checkId(id: string): void {
    if (typeof id !== 'string' || id === '' || id.startsWith('@')) {
      throw new TypeError(
        `${JSON.stringify(id)} is no id of a schedule: it must be a text that does not begin with "@"`,
      )
    }
    if (!this.ofCode(id)) return
    throw new ConfigError(
      'SCHEDULE_IN_CODE',
      `schedule ${id} is in the code of ${this.#applicationId} (builder.schedule): change it there, or pause it`,
    )
  }
}

/** Records that say that a definition, and what was said about it, are gone. */
export function removal(topic: string, id: string): OrderRecord[] {
  const keys = [orderKey({ kind: 'define', id }), orderKey({ kind: 'pause', id })]
  return keys.map(key => ({ topic, key, value: null }))
}

function checkComes(id: string, definition: ScheduleDefinition, afterMs: number): void {
  if (!('at' in definition) || nextFire(definition, afterMs) !== undefined) return
  throw new ConfigError(
    'SCHEDULE_PAST',
    `schedule ${id} is for ${new Date(definition.at).toISOString()}, which is past: give a time that comes`,
  )
}

function bytesOf(serde: Serde<unknown>, value: unknown, topic: string): Uint8Array | null {
  return value === null || value === undefined ? null : serde.serialize(value, { topic })
}
