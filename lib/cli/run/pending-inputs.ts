import type { Admin, Broker, Consumer, TopicPartition } from '../../broker/broker.ts'
import { bytesToMapKey } from '../../common/bytes.ts'
import { partitionKey } from '../../common/ids.ts'
import { CLOSED_LANE } from '../../dsl/calls/input-format.ts'
import { decodeAttempt } from '../../dsl/retry/attempt-format.ts'
import { isMark } from '../../store/operator/pending-store.ts'
import type { TopologyPlan } from '../../topology/plan.ts'

/** What waits, and when the first of it is due; Infinity where it waits for something else than a time. */
export interface Waiting {
  readonly count: number
  readonly nextDueMs: number
}

const NOTHING: Waiting = { count: 0, nextDueMs: Infinity }
const POLL_RECORDS = 10_000
const WAIT_MS = 50

/**
 * Counts the inputs that wait in asynchronous operators, over all processes of the application: their offsets
 * are committed, so that nothing but the changelogs of the stores that hold them tells of them. Reads on
 * where it stopped.
 */
export class PendingInputs {
  readonly #broker: Broker
  readonly #admin: Admin
  readonly #topics: readonly string[]
  /** By partition and changelog key, when what is not deleted is due. */
  readonly #waiting = new Map<string, Map<string, number>>()
  #consumer: Consumer | undefined
  #counting: Promise<Waiting> | undefined

  constructor(plan: TopologyPlan, { broker, admin }: { readonly broker: Broker; readonly admin: Admin }) {
    this.#broker = broker
    this.#admin = admin
    this.#topics = plan.subtopologies
      .flatMap(({ stores }) => stores)
      .flatMap(({ builder, changelogTopic }) => (builder.holdsInputs ? (changelogTopic ?? []) : []))
  }

  /**
   * As of the last commit whose offsets can be seen at the call. What the signal cuts short counts too
   * little.
   */
  async count(signal: AbortSignal): Promise<Waiting> {
    this.#counting = this.#count(signal)
    return this.#counting
  }

  /** After the signal has aborted, or when nothing is being counted. */
  async close(): Promise<void> {
    await this.#counting?.catch(() => undefined)
    await this.#consumer?.close()
  }

  async #count(signal: AbortSignal): Promise<Waiting> {
    if (this.#topics.length === 0) return NOTHING
    this.#consumer ??= await this.#broker.consumer({ clientId: 'idle-watch', isolation: 'read_committed' })
    const partitions = await this.#partitions(this.#consumer)
    // Not the last stable offset: the offsets of a decided transaction count before its markers are
    // everywhere.
    const ends = await this.#admin.endOffsets(partitions, 'read_uncommitted')
    await this.#readTo(this.#consumer, { partitions, ends, signal })
    let { count, nextDueMs } = NOTHING
    for (const inputs of this.#waiting.values()) {
      count += inputs.size
      for (const dueMs of inputs.values()) nextDueMs = Math.min(nextDueMs, dueMs)
    }
    return { count, nextDueMs }
  }

  /** The partitions that exist: the application makes them while it starts. */
  async #partitions(consumer: Consumer): Promise<TopicPartition[]> {
    const topics = await this.#admin.describeTopics(this.#topics)
    const partitions = [...topics.values()].flatMap(({ topic, partitionCount }) =>
      Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
    )
    const fresh = partitions.filter(
      ({ topic, partition }) => !this.#waiting.has(partitionKey(topic, partition)),
    )
    const beginnings = await this.#admin.beginningOffsets(fresh)
    for (const { topic, partition } of fresh) {
      const key = partitionKey(topic, partition)
      this.#waiting.set(key, new Map())
      consumer.assign([{ topic, partition, offset: beginnings.get(key) ?? 0 }])
    }
    return partitions
  }

  async #readTo(
    consumer: Consumer,
    {
      partitions,
      ends,
      signal,
    }: {
      readonly partitions: readonly TopicPartition[]
      readonly ends: ReadonlyMap<string, number>
      readonly signal: AbortSignal
    },
  ): Promise<void> {
    const isBehind = (partition: TopicPartition) =>
      (consumer.position(partition) ?? 0) <
      (ends.get(partitionKey(partition.topic, partition.partition)) ?? 0)
    while (!signal.aborted && partitions.some(isBehind)) {
      const batches = consumer.poll(POLL_RECORDS)
      for (const { topic, partition, records } of batches) {
        const waiting = this.#waiting.get(partitionKey(topic, partition))
        for (const { key, value } of records) {
          // Keys that are given up stay in the store, and wait for nothing.
          if (key === null || isMark(key) || value?.[0] === CLOSED_LANE) continue
          if (value === null) waiting?.delete(bytesToMapKey(key))
          else waiting?.set(bytesToMapKey(key), decodeAttempt(value).failed?.dueMs ?? Infinity)
        }
      }
      if (batches.length === 0) await consumer.ready(WAIT_MS)
    }
  }
}
