import type { Admin, Broker, Consumer, TopicPartition } from '../../broker/broker.ts'
import type { Clock, Timer } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Audit } from '../../streams/topology-file.ts'
import { AuditCount, type AuditView } from './audit-count.ts'

export interface AuditReaderOptions {
  readonly audits: readonly Audit[]
  readonly broker: Broker
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
  readonly stop: AbortSignal
}

export type AuditAnswer = AuditView & { readonly caughtUp: boolean; readonly behindMs: number }

const POLL_RECORDS = 500
/** Of the processor's time it takes one part in so many, while it catches up. */
const SHARE = 40
const IDLE_WAIT_MS = 250
/** So long after the last look it goes on counting; what it knows it keeps. */
const STAY_MS = 60_000
const RETRY_MS = 2_000

/**
 * Counts the audits from the topics themselves, by a consumer of its own that reads what is committed. It
 * begins at the start of the topics when somebody first looks, rests when nobody has looked for a while, and
 * goes on there at the next look. It says what the topics hold, whatever the application says of itself.
 */
export class AuditReader {
  readonly #options: AuditReaderOptions
  readonly #counts: readonly AuditCount[]
  /** By partition: where it goes on. */
  readonly #positions = new Map<string, TopicPartition & { offset: number }>()
  #isCaughtUp = false
  #lastReadMs = 0
  #isReading = false
  #rest: Timer | undefined
  #isWanted = false

  constructor(options: AuditReaderOptions) {
    this.#options = options
    this.#counts = options.audits.map(audit => new AuditCount(audit))
  }

  /** Begins to count, and keeps it up for a while. */
  look(): readonly AuditAnswer[] {
    const { clock, stop } = this.#options
    if (!stop.aborted && this.#counts.length > 0) {
      this.#isWanted = true
      this.#rest?.cancel()
      this.#rest = clock.schedule(STAY_MS, () => (this.#isWanted = false), { keepsAlive: false })
      if (!this.#isReading) void this.#readOn()
    }
    const nowMs = clock.nowMs()
    const behindMs = this.#isCaughtUp || this.#lastReadMs === 0 ? 0 : Math.max(0, nowMs - this.#lastReadMs)
    const caughtUp = this.#isCaughtUp
    return this.#counts.map(count => ({ ...count.view(nowMs, caughtUp), caughtUp, behindMs }))
  }

  get #mayGoOn(): boolean {
    return this.#isWanted && !this.#options.stop.aborted
  }

  async #readOn(): Promise<void> {
    const { broker, clock, logger, stop } = this.#options
    this.#isReading = true
    try {
      while (this.#mayGoOn) {
        try {
          const consumer = await broker.consumer({
            clientId: 'millrace-audit',
            isolation: 'read_committed',
            queuedBytesMax: 4 * 1024 * 1024,
          })
          try {
            await this.#follow(consumer)
          } finally {
            await consumer.close()
          }
        } catch (reason) {
          const error = errorFrom(reason)
          logger.log('warn', `the audits cannot read now, and try again: ${error.message}`, { error })
          await clock.sleep(RETRY_MS, stop)
        }
      }
    } finally {
      this.#isReading = false
      this.#isCaughtUp = false
    }
  }

  async #follow(consumer: Consumer): Promise<void> {
    const { clock, stop } = this.#options
    const partitions = await this.#assign(consumer)
    while (this.#mayGoOn) {
      const startMs = clock.monotonicMs()
      const nowMs = clock.nowMs()
      const batches = consumer.poll(POLL_RECORDS)
      for (const { topic, partition, records, nextOffset } of batches) {
        for (const record of records) {
          for (const count of this.#counts) count.take(record, { topic, atMs: this.#isCaughtUp ? nowMs : 0 })
          this.#lastReadMs = record.timestamp
        }
        const position = this.#positions.get(partitionKey(topic, partition))
        if (position) position.offset = nextOffset
      }
      this.#isCaughtUp = partitions.every(each => isAtEnd(consumer, each))
      if (batches.length === 0) await consumer.ready(IDLE_WAIT_MS)
      else await clock.sleep(Math.max(1, (clock.monotonicMs() - startMs) * SHARE), stop)
    }
  }

  async #assign(consumer: Consumer): Promise<readonly TopicPartition[]> {
    const { admin } = this.#options
    const topics = [...new Set(this.#counts.flatMap(count => count.topics))]
    const found = await admin.describeTopics(topics)
    const partitions = [...found.values()].flatMap(({ topic, partitionCount }) =>
      Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
    )
    const begins = await admin.beginningOffsets(partitions)
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      // What was deleted while nobody looked is not counted.
      const offset = Math.max(begins.get(key) ?? 0, this.#positions.get(key)?.offset ?? 0)
      this.#positions.set(key, { topic, partition, offset })
    }
    consumer.assign([...this.#positions.values()])
    return partitions
  }
}

function isAtEnd(consumer: Consumer, partition: TopicPartition): boolean {
  const end = consumer.knownEnd(partition)
  return end !== undefined && (consumer.position(partition) ?? 0) >= end
}
