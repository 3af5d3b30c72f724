import { utf8 } from '../../common/bytes.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Header } from '../../common/headers.ts'
import { parseTaskId } from '../../common/ids.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import { deferringContext, type DeferringContext } from '../../processor/deferred-work.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import { Record } from '../../processor/record.ts'
import type { SchedulePolicy, ScheduleState } from '../../store/operator/schedule-state.ts'
import type { ScheduleStore } from '../../store/operator/schedule-store.ts'
import { ClockJumps } from './clock-jumps.ts'
import { dueFires, scheduleFrom } from './due-fires.ts'
import { FireTick } from './fire-tick.ts'
import type { DueFire } from './missed-fires.ts'
import { KnownTimes, parseDefinition, type Firing } from './schedule-options.ts'
import {
  DONE_HEADER,
  fromBase64,
  orderKey,
  parseOrderKey,
  readDefinition,
  type ReadDefinition,
  type ScheduleOrder,
} from './schedule-order.ts'

/** The one schedule of a node, where the code says it. */
export interface CodeSchedule {
  readonly id: string
  readonly definition: string
  readonly policy: SchedulePolicy
  readonly per: 'application' | 'partition'
}

export interface ScheduleSettings {
  readonly storeName: string
  /** Topic of definitions and orders, without the application's id. */
  readonly topic: string
  readonly code?: CodeSchedule
  /** Nodes of the sinks, by the names that definitions call them. */
  readonly sinks: ReadonlyMap<string, string>
}

type Bytes = Uint8Array | null

/** Firings of one turn of the loop: others come in the next turn, after other work. */
const FIRINGS_MAX = 500

/**
 * Fires schedules: the one of the code, or those of a topic of definitions. Its records are definitions and
 * orders. A firing, and how far the schedule is then, are changes of one transaction, and the latter is one
 * change of one key.
 *
 * Faults, and what is then:
 * - The process ends before, in or behind a firing, or the commit fails: the state of the last commit fires
 *   again, with the same id. Under exactly-once nobody has seen it before; under at-least-once it may have
 *   come out already.
 * - The commit has succeeded and its answer is lost: the state says that it has fired.
 * - The process stalls, and its task moves: the new owner fires; the old one's transaction is fenced.
 * - The tick comes late: by no more than `graceMs`, it fires as if on time; else `onMissed` says. It comes
 *   twice, or early: nothing is due. It never comes: the next start fires what is due then.
 * - An order comes twice: pause and definition say what is to be. A trigger fires in the transaction that
 *   reads it, and deletes it.
 * - The clock is set back: what has fired is behind `afterMs`, and does not fire again. Set forward: it fires
 *   early, which the log says.
 * - What is below throws: the schedule has moved on before, so with `continue` only this firing is lost.
 */
export class ScheduleOperator implements Processor<Bytes, Bytes> {
  readonly #settings: ScheduleSettings
  readonly #times = new KnownTimes()
  #context!: DeferringContext
  #store!: ScheduleStore
  #tick!: FireTick
  #jumps!: ClockJumps
  #partition = 0
  #fired!: Counter
  #missed!: Counter
  #refused!: Counter

  constructor(settings: ScheduleSettings) {
    this.#settings = settings
  }

  init(context: ProcessorContext): void {
    const { storeName, code } = this.#settings
    const { metrics, taskId } = context
    this.#context = deferringContext(context)
    this.#store = context.getStateStore<ScheduleStore>(storeName)
    this.#partition = parseTaskId(taskId).partition
    // Its topic has one partition, which is this task's, or none of it is.
    if (code?.per === 'application' && this.#partition !== 0) return
    const tags = { 'task-id': taskId, store: storeName }
    this.#fired = metrics.counter('schedules-fired-total', tags, METRIC_GROUPS.own)
    this.#missed = metrics.counter('schedules-missed-total', tags, METRIC_GROUPS.own)
    this.#refused = metrics.counter('schedules-refused-total', tags, METRIC_GROUPS.own)
    this.#jumps = new ClockJumps(this.#context, tags)
    this.#tick = new FireTick(this.#context, this.#store, nowMs => this.#fireDue(nowMs))
    if (code) this.#begin(code)
    this.#tick.arm()
  }

  process({ key, value, headerList }: Record<Bytes, Bytes>): void {
    const order = parseOrderKey(key)
    if (order) this.#take(order, value, headerList)
    else this.#refuse('a record', 'its key is no id')
    this.#tick.arm()
  }

  #begin({ id, definition }: CodeSchedule): void {
    const known = this.#store.get(id)
    if (known?.definition === definition) return
    this.#store.put(id, this.#fresh(id, definition, known))
    // From now on restarts do not move it.
    this.#context.commit()
  }

  #take(order: ScheduleOrder, value: Bytes, headers: readonly Header[]): void {
    if (order.kind === 'trigger') return this.#trigger(order, value)
    if (order.kind === 'pause') return this.#pause(order.id, value !== null)
    if (value !== null) return this.#define(order.id, value)
    // The node itself has written it; a later definition may have come before it.
    if (headers.some(({ key }) => key === DONE_HEADER)) return
    if (!this.#settings.code) this.#store.delete(order.id)
  }

  #define(id: string, value: Uint8Array): void {
    const read = this.#read(id, value)
    if (!read) return
    const known = this.#store.get(id)
    if (known?.definition === read.definition) this.#store.put(id, { ...known, ...read })
    else this.#store.put(id, { ...this.#fresh(id, read.definition, known), ...read })
  }

  #read(id: string, value: Uint8Array): ReadDefinition | undefined {
    if (this.#settings.code) return this.#refuse(id, 'schedules of the code are defined there')
    try {
      const read = readDefinition(value)
      if (this.#settings.sinks.has(read.to.sink)) return read
      return this.#refuse(id, `the code has no sink ${read.to.sink}`)
    } catch (error) {
      return this.#refuse(id, errorFrom(error).message)
    }
  }

  /** A schedule that is new, or has other times: its next time comes from now on. */
  #fresh(id: string, definition: string, known: ScheduleState | undefined): ScheduleState {
    const parsed = parseDefinition(definition)
    const times = this.#times.of(definition)
    const nowMs = this.#context.clock.nowMs()
    const begun = { definition, lastMs: null, isPaused: known?.isPaused ?? false }
    if (!('at' in parsed)) return scheduleFrom(times, nowMs, begun)
    // A time that is past is a time that is late.
    const state = scheduleFrom(times, -1, begun)
    if (state.nextMs !== null && state.nextMs <= nowMs)
      this.#context.logger.log(
        'warn',
        `schedule ${id} is for ${isoTime(state.nextMs)}, which is past: it is due now`,
      )
    return state
  }

  #pause(id: string, isPaused: boolean): void {
    const state = this.#store.get(id)
    if (!state) return isPaused ? this.#refuse(id, 'there is no such schedule to pause') : undefined
    if (state.isPaused === isPaused) return
    if (isPaused) return this.#store.put(id, { ...state, isPaused })
    // What was missed meanwhile is not made up for.
    const afterMs = Math.max(state.afterMs, this.#context.clock.nowMs())
    this.#move(id, scheduleFrom(this.#times.of(state.definition), afterMs, { ...state, isPaused }))
  }

  #trigger(order: ScheduleOrder & { readonly kind: 'trigger' }, value: Bytes): void {
    if (value === null) return
    const state = this.#store.get(order.id)
    this.#deleteRecord(orderKey(order), [])
    if (!state) return this.#refuse(order.id, 'there is no such schedule to trigger')
    const nominalMs = this.#context.clock.nowMs()
    this.#forward(order.id, state, { nominalMs, missed: 0 }, nominalMs, `trigger-${order.order}`)
  }

  #fireDue(nowMs: number): void {
    this.#jumps.look(nowMs)
    for (let left = FIRINGS_MAX; left > 0;) {
      const { first } = this.#store
      if (!first || first.dueMs > nowMs) return
      left -= Math.max(1, this.#fireOne(first.id, first.state, nowMs, left))
    }
  }

  /** Returns how many firings it were. */
  #fireOne(id: string, before: ScheduleState, nowMs: number, firingsMax: number): number {
    const policy = before.policy ?? this.#codePolicy()
    const times = this.#times.of(before.definition)
    const { firings, skipped, state } = dueFires(this.#label(id), before, times, {
      policy,
      nowMs,
      firingsMax,
    })
    this.#missed.add(skipped)
    if (firings.length === 0) this.#move(id, state)
    for (const [at, firing] of firings.entries()) {
      const afterMs = firing.nominalMs
      const nextMs = firings[at + 1]?.nominalMs ?? state.nextMs
      this.#move(id, { ...state, afterMs, lastMs: afterMs, nextMs })
      this.#missed.add(firing.missed)
      this.#forward(id, before, firing, nowMs, isoTime(firing.nominalMs))
    }
    return firings.length
  }

  /** A definition that will not fire again is done with. */
  #move(id: string, state: ScheduleState): void {
    if (state.nextMs !== null || !state.to) return this.#store.put(id, state)
    this.#store.delete(id)
    this.#deleteRecord(orderKey({ kind: 'define', id }), [{ key: DONE_HEADER, value: null }])
  }

  #forward(id: string, { to }: ScheduleState, fire: DueFire, nowMs: number, name: string): void {
    const { nominalMs, missed } = fire
    const firing: Firing = { fireId: `${this.#label(id)}@${name}`, nominalMs, missed }
    const headers = headersOf(firing)
    this.#fired.add()
    if (!to) return this.#context.forward(new Record(id, firing, nowMs, headers))
    const child = this.#settings.sinks.get(to.sink)
    // The sink has left the code since the definition was read.
    if (child === undefined) return this.#refuse(id, `the code has no sink ${to.sink}`)
    this.#context.forward(new Record(fromBase64(to.key), fromBase64(to.value), nowMs, headers), child)
  }

  #deleteRecord(key: Uint8Array, headers: readonly Header[]): void {
    const { applicationId, clock } = this.#context
    const topic = `${applicationId}-${this.#settings.topic}`
    this.#context.sendOwn({
      topic,
      partition: this.#partition,
      key,
      value: null,
      timestamp: clock.nowMs(),
      headers,
    })
  }

  #refuse(id: string, why: string): undefined {
    this.#refused.add()
    this.#context.logger.log('error', `${this.#settings.topic}: ${id} is left out: ${why}`)
  }

  #codePolicy(): SchedulePolicy {
    return this.#settings.code?.policy ?? { onMissed: 'once', graceMs: 0, jitterMs: 0 }
  }

  #label(id: string): string {
    return fireLabel(id, this.#settings.code, this.#partition)
  }
}

/** What ids of firings begin with. */
export function fireLabel(id: string, code: CodeSchedule | undefined, partition: number): string {
  return code?.per === 'partition' ? `${id}/${partition}` : id
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

function headersOf({ fireId, nominalMs, missed }: Firing): readonly Header[] {
  return [
    { key: '__millrace.fire.id', value: utf8(fireId) },
    { key: '__millrace.fire.nominal', value: utf8(isoTime(nominalMs)) },
    { key: '__millrace.fire.missed', value: utf8(String(missed)) },
  ]
}
