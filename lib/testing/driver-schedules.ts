import type { OutgoingRecord } from '../broker/broker.ts'
import { NO_HEADERS } from '../common/headers.ts'
import { encodeNote, orderKey } from '../dsl/schedule/schedule-order.ts'
import {
  removal,
  ScheduleRequests,
  type OrderRecord,
  type ScheduleRequest,
} from '../patterns/schedules/schedule-requests.ts'
import type { Topology } from '../topology/topology.ts'

/** Orders to the schedules of a test driver, as `KafkaStreams.schedules()` gives them; at once. */
export class DriverSchedules {
  readonly #requests: ScheduleRequests
  readonly #pipe: (record: OutgoingRecord) => void
  readonly #nowMs: () => number
  #triggers = 0

  /** The plan by the name of what makes it: that is public. */
  constructor(
    plan: ReturnType<Topology['plan']>,
    { pipe, nowMs }: { readonly pipe: (record: OutgoingRecord) => void; readonly nowMs: () => number },
  ) {
    this.#requests = new ScheduleRequests(plan)
    this.#pipe = pipe
    this.#nowMs = nowMs
  }

  put(id: string, request: ScheduleRequest): void {
    this.#send(this.#requests.define(id, request, this.#nowMs()))
  }

  delete(id: string): void {
    this.#requests.checkId(id)
    for (const topic of this.#topics(id)) for (const record of removal(topic, id)) this.#send(record)
  }

  pause(id: string, reason = ''): void {
    const value = encodeNote({ by: 'test', reason, at: this.#nowMs() })
    for (const topic of this.#topics(id)) this.#send({ topic, key: orderKey({ kind: 'pause', id }), value })
  }

  resume(id: string): void {
    for (const topic of this.#topics(id))
      this.#send({ topic, key: orderKey({ kind: 'pause', id }), value: null })
  }

  /** Returns the id of the firing. */
  trigger(id: string): string {
    this.#triggers += 1
    const order = String(this.#triggers)
    const value = encodeNote({ by: 'test', reason: '', at: this.#nowMs() })
    for (const topic of this.#topics(id))
      this.#send({ topic, key: orderKey({ kind: 'trigger', id, order }), value })
    return `${id}@trigger-${order}`
  }

  /** Topics whose node may have the schedule; of definitions it is known to the nodes alone. */
  #topics(id: string): readonly string[] {
    const ofCode = this.#requests.ofCode(id)
    if (ofCode) return [ofCode.topic]
    return this.#requests.nodes.flatMap(({ topic, sinks }) => (sinks ? [topic] : []))
  }

  #send(record: OrderRecord): void {
    this.#pipe({ ...record, partition: 0, timestamp: this.#nowMs(), headers: NO_HEADERS })
  }
}
