import type { Admin, Broker } from '../../broker/broker.ts'
import { SharedProducer } from '../../broker/open/shared-producer.ts'
import { utf8 } from '../../common/bytes.ts'
import type { Clock } from '../../common/clock.ts'
import { ConfigError, StreamsError } from '../../common/errors/errors.ts'
import { partitionForKey } from '../../common/hash/murmur2.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import { nearest } from '../../common/nearest-name.ts'
import type { Random } from '../../common/random.ts'
import { fireTimes } from '../../dsl/schedule/next-fire.ts'
import { encodeNote, orderKey } from '../../dsl/schedule/schedule-order.ts'
import { SerdePendingError } from '../../serde/serde-pending-error.ts'
import type { ScheduledNode, ScheduleSink, TopologyPlan } from '../../topology/plan.ts'
import { removal, ScheduleRequests, type OrderRecord, type ScheduleRequest } from './schedule-requests.ts'
import { readSchedules, type ListedSchedule } from './schedule-reader.ts'

export interface ScheduleClientOptions {
  readonly plan: Pick<TopologyPlan, 'applicationId' | 'subtopologies'>
  readonly broker: Broker
  readonly admin: () => Promise<Admin>
  readonly clock: Clock
  readonly random: Random
  /** Who orders. */
  readonly by: string
}

/** Where records of a schedule go: the partition of its id, or every one. */
type Reach = { readonly id: string } | 'everywhere'

/**
 * Looks at an application's schedules, pauses and triggers them, and writes those that are data, wherever
 * this process runs. What is resolved was acknowledged by the brokers; the application takes it up when it
 * runs, in the order in which it was written.
 */
export class ScheduleClient {
  readonly #options: ScheduleClientOptions
  readonly #requests: ScheduleRequests
  readonly #partitions = new Map<string, number>()
  #producer: SharedProducer | undefined
  #writes = 0

  constructor(options: ScheduleClientOptions) {
    this.#options = options
    this.#requests = new ScheduleRequests(options.plan)
  }

  /** Names of the sinks that schedules may fire to. */
  get sinks(): readonly string[] {
    return this.#requests.sinks
  }

  /**
   * Writes a schedule, in the place of one of this id. One with the same times goes on as it was; else its
   * next time comes from now on. All of it is checked before anything is written: throws
   * `SCHEDULE_NEVER_FIRES`, `SCHEDULE_PAST`, `SCHEDULE_IN_CODE`, `UNKNOWN_SINK`, `NO_SCHEDULES`,
   * `SCHEDULES_TOPIC_MISSING`, `TypeError`, and what the sink's serdes throw.
   */
  async put(id: string, request: ScheduleRequest): Promise<void> {
    const record = await this.#defined(id, request)
    await this.#write([record], { id })
  }

  /** Resolves with the schedule that there was. Throws `UNKNOWN_SCHEDULE` and `SCHEDULE_IN_CODE`. */
  async delete(id: string): Promise<ListedSchedule> {
    this.#requests.checkId(id)
    const { node, schedule } = await this.#find(id)
    await this.#write(removal(node.topic, id), { id })
    return schedule
  }

  async get(id: string): Promise<ListedSchedule | undefined> {
    return (await this.list()).find(schedule => schedule.id === id)
  }

  /** All schedules: those of the code first, then by id. Throws `NO_SCHEDULES`. */
  async list(): Promise<ListedSchedule[]> {
    const found = await this.#readAll()
    return found.map(({ schedule }) => schedule).sort(bySourceAndId)
  }

  /**
   * It does not fire until it is resumed, through restarts; what is due meanwhile is not made up for. Throws
   * `UNKNOWN_SCHEDULE`.
   */
  async pause(id: string, reason = ''): Promise<void> {
    await this.#order(id, { pause: true, reason })
  }

  /** As `pause`. Nothing changes where it is not paused. */
  async resume(id: string): Promise<void> {
    await this.#order(id, { pause: false })
  }

  /**
   * Has it fire once, now, even while it is paused; its other times stay. Resolves with what the ids of the
   * firings begin with, before a partition, and end with. Throws `UNKNOWN_SCHEDULE`.
   */
  async trigger(id: string): Promise<string> {
    const { node } = await this.#find(id)
    const order = this.#options.random.uuid()
    const key = orderKey({ kind: 'trigger', id, order })
    await this.#write([{ topic: node.topic, key, value: this.#note('') }], reachOf(node, id))
    return `${id}@trigger-${order}`
  }

  /** The next times, at most `count`, without jitter; as if it were not paused. Throws `UNKNOWN_SCHEDULE`. */
  async next(id: string, count = 1): Promise<number[]> {
    if (!(Number.isSafeInteger(count) && count >= 1)) {
      throw new TypeError(`count is ${count}: it must be a whole number of at least 1`)
    }
    const { schedule } = await this.#find(id)
    const times = fireTimes(schedule.definition)
    let nextMs = schedule.nextMs ?? times.next(this.#options.clock.nowMs())
    const found: number[] = []
    for (; nextMs !== undefined && found.length < count; nextMs = times.next(nextMs)) found.push(nextMs)
    return found
  }

  /** As `get`. Throws `UNKNOWN_SCHEDULE`. */
  async find(id: string): Promise<ListedSchedule> {
    return (await this.#find(id)).schedule
  }

  /** A sink that schedules may fire to. Throws `UNKNOWN_SINK`. */
  sink(name: string): ScheduleSink {
    return this.#requests.sink(name)[1]
  }

  async #order(id: string, { pause, reason = '' }: { pause: boolean; reason?: string }): Promise<void> {
    const { node } = await this.#find(id)
    const value = pause ? this.#note(reason) : null
    const key = orderKey({ kind: 'pause', id })
    await this.#write([{ topic: node.topic, key, value }], reachOf(node, id))
  }

  #note(reason: string): Uint8Array {
    const { by, clock } = this.#options
    return encodeNote({ by, reason, at: clock.nowMs() })
  }

  /** A serde may have to fetch its schema first. */
  async #defined(id: string, request: ScheduleRequest): Promise<OrderRecord> {
    for (;;) {
      try {
        return this.#requests.define(id, request, this.#options.clock.nowMs())
      } catch (error) {
        if (!(error instanceof SerdePendingError)) throw error
        await error.settled
      }
    }
  }

  async #find(id: string): Promise<{ readonly node: ScheduledNode; readonly schedule: ListedSchedule }> {
    const all = await this.#readAll()
    const found = all.find(({ schedule }) => schedule.id === id)
    if (found) return found
    const ids = all.map(({ schedule }) => schedule.id)
    const guess = nearest(id, ids)
    const some = ids.slice(0, 10).join(', ') || 'none'
    const hint = guess === undefined ? `there are ${some}` : `did you mean ${guess}?`
    throw new ConfigError('UNKNOWN_SCHEDULE', `there is no schedule ${id}; ${hint}`)
  }

  async #readAll(): Promise<{ readonly node: ScheduledNode; readonly schedule: ListedSchedule }[]> {
    const { plan, broker, clock } = this.#options
    const { applicationId } = plan
    const reading = { applicationId, broker, admin: await this.#options.admin(), nowMs: clock.nowMs() }
    const all = []
    for (const node of this.#requests.nodes)
      for (const schedule of await readSchedules(node, reading)) all.push({ node, schedule })
    return all
  }

  async #write(records: readonly OrderRecord[], reach: Reach): Promise<void> {
    const counts = await Promise.all(records.map(({ topic }) => this.#partitionCount(topic)))
    const { clock, broker } = this.#options
    this.#producer ??= new SharedProducer(broker, clock)
    const producer = this.#producer
    this.#writes += 1
    try {
      for (const [at, record] of records.entries())
        for (const partition of partitionsOf(reach, counts[at] ?? 1))
          await producer.take({ ...record, partition, timestamp: clock.nowMs(), headers: NO_HEADERS })
      await producer.acknowledged()
    } finally {
      this.#writes -= 1
      await this.#maybeClose(producer)
    }
  }

  /** Nobody has to close a client: writes under way share a producer, and the last one closes it. */
  async #maybeClose(producer: SharedProducer): Promise<void> {
    if (this.#writes > 0) return
    this.#producer = undefined
    await producer.close()
  }

  async #partitionCount(topic: string): Promise<number> {
    const known = this.#partitions.get(topic)
    if (known !== undefined) return known
    const found = (await (await this.#options.admin()).describeTopics([topic])).get(topic)
    if (!found) {
      throw new StreamsError(
        'SCHEDULES_TOPIC_MISSING',
        `there is no topic ${topic}: ${this.#options.plan.applicationId} makes it when it starts. Start it once, then order`,
      )
    }
    this.#partitions.set(topic, found.partitionCount)
    return found.partitionCount
  }
}

/** A schedule of the code may fire in every task. */
function reachOf({ code }: ScheduledNode, id: string): Reach {
  return code ? 'everywhere' : { id }
}

function partitionsOf(reach: Reach, count: number): readonly number[] {
  if (reach === 'everywhere') return Array.from({ length: count }, (_, partition) => partition)
  return [partitionForKey(utf8(reach.id), count)]
}

function bySourceAndId(left: ListedSchedule, right: ListedSchedule): number {
  if (left.source !== right.source) return left.source === 'code' ? -1 : 1
  return left.id < right.id ? -1 : Number(left.id > right.id)
}
