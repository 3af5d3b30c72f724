import type { Admin } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import type { Clock } from '../../common/clock.ts'
import type { RecordCollector } from './record-collector.ts'

/** Attempts to find a topic: the broker that is asked may not know it yet if it was just created. */
const ATTEMPTS = 5
const PAUSE_MS = 200
/**
 * Time after which a missing topic is not expected any more. Meanwhile the thread goes back to its last
 * commit, again and again.
 */
const MISSING_MS = 30_000

/**
 * Partition counts of the topics that sinks write to. Those that the topology names are known from the start;
 * one that is named record by record (KIP-303) is looked up when its first record comes, which waits in the
 * collector meanwhile.
 */
export class OutputTopics {
  readonly #admin: Admin
  readonly #clock: Clock
  /** Counts of the topics that the topology names. */
  readonly #known: ReadonlyMap<string, number>
  readonly #counts: Map<string, number>
  readonly #missingSinceMs = new Map<string, number>()
  // The topic last asked for, and its count: each record asks, mostly for the topic of the one before.
  #lastTopic: string | undefined
  #lastCount: number | undefined

  constructor(admin: Admin, clock: Clock, known: ReadonlyMap<string, number>) {
    this.#admin = admin
    this.#clock = clock
    this.#known = known
    this.#counts = new Map(known)
  }

  count(topic: string): number | undefined {
    if (topic === this.#lastTopic) return this.#lastCount
    const count = this.#counts.get(topic)
    // An unknown count is not kept here, since the topic is looked up meanwhile.
    if (count !== undefined) {
      this.#lastTopic = topic
      this.#lastCount = count
    }
    return count
  }

  /**
   * Forgets the counts of topics that seem to be gone. False where one of them is named by the topology, not
   * by a record.
   */
  forget(topics: readonly string[]): boolean {
    const isAll = topics.length > 0 && topics.every(topic => !this.#known.has(topic))
    if (isAll) for (const topic of topics) this.#counts.delete(topic)
    this.#lastTopic = undefined
    return isAll
  }

  /**
   * Sends all parked records, when their topics are known. Rejects with class `topic-missing` where a topic
   * does not exist; when it has been missing for 30 s, it is refused, and its handler asked.
   */
  async settle(collectors: readonly RecordCollector[]): Promise<void> {
    const waiting = collectors.filter(collector => collector.isParking)
    if (waiting.length === 0) return
    const missing = await this.#lookUp(new Set(waiting.flatMap(collector => collector.parkedTopics())))
    const [early] = missing.filter(topic => !this.#isMissingForLong(topic))
    if (early !== undefined) throw missingError(early)
    for (const topic of missing)
      for (const collector of waiting) collector.refuseParked(topic, missingError(topic))
    for (const collector of waiting) collector.sendParked()
  }

  #isMissingForLong(topic: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const sinceMs = this.#missingSinceMs.get(topic) ?? nowMs
    this.#missingSinceMs.set(topic, sinceMs)
    return nowMs - sinceMs >= MISSING_MS
  }

  /** Looks topics up; returns those that are not found. */
  async #lookUp(topics: ReadonlySet<string>): Promise<readonly string[]> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await this.#describe([...topics])
      for (const [topic, count] of found) {
        this.#counts.set(topic, count)
        this.#missingSinceMs.delete(topic)
      }
      const missing = [...topics].filter(topic => !this.#counts.has(topic))
      // A topic that was found missing before is not waited for again.
      const isNews = missing.some(topic => !this.#missingSinceMs.has(topic))
      if (!isNews || attempt === ATTEMPTS) return missing
      await this.#clock.sleep(PAUSE_MS)
    }
  }

  async #describe(topics: readonly string[]): Promise<readonly (readonly [string, number])[]> {
    try {
      const found = await this.#admin.describeTopics(topics)
      return Array.from(found.values(), ({ topic, partitionCount }) => [topic, partitionCount] as const)
    } catch (error) {
      if (error instanceof BrokerError && error.class === 'retriable') return []
      throw error
    }
  }
}

function missingError(topic: string): BrokerError {
  const message = `topic "${topic}", to which a sink writes by a name that it computed, cannot be found: create it first, or mend the function that names it`
  return new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing', message, {
    partitions: [{ topic, partition: -1 }],
  })
}
