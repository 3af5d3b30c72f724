import type { RawRecord, RecordBatch } from '../../../broker.ts'
import { errorFrom } from '../../../../common/errors/errors.ts'
import type { BrokerError } from '../../../broker-error.ts'
import { malformedError } from '../../protocol/protocol-error.ts'
import type { BatchHolder } from './decode-budget.ts'
import type { FetchedRecords } from './fetched-records.ts'

/**
 * Batches of one partition that were fetched and not polled yet, as the broker sent them. Each assignment of
 * a partition gets a new queue, so that no response for an earlier assignment gets into it. `DirectFetcher`
 * limits its size.
 */
export class FetchQueue implements BatchHolder {
  readonly topic: string
  readonly partition: number
  /** The offset of the next record to poll, or a lower one. */
  position: number
  /** The offset to fetch from. */
  fetchedTo: number
  /** The end of the log at the last fetch; undefined before the first. */
  end: number | undefined
  paused = false
  /** Why the partition is not read on; reported when the records before are polled. */
  failure: BrokerError | undefined
  /** Whether the assignment is over: responses for it are dropped. */
  closed = false
  /** The node that it is read from; undefined while there is none. */
  leader: number | undefined
  leaderEpoch = -1
  /** The topic's id by the latest metadata. */
  topicId: string | undefined
  /** The topic's id at the last fetch, to which the offsets belong. */
  readTopicId: string | undefined
  lastEpoch = -1
  /** The size of the next batch where it is more than the usual share of a response; otherwise 0. */
  batchBytes = 0
  /** The time before which it is not fetched, after a retriable error; 0 without one. */
  retryAtMs = 0
  failures = 0
  /** Answers of the cluster in a row that said that there is no such partition. */
  unknownAnswers = 0
  readonly #fetched: FetchedRecords[] = []

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic
    this.partition = partition
    this.position = offset
    this.fetchedTo = offset
  }

  /** Bytes that were not polled yet. */
  get bytes(): number {
    let bytes = 0
    for (const each of this.#fetched) bytes += each.bytesLeft
    return bytes
  }

  /** Memory of the open batch. Only the first of the fetched records can have one. */
  get openBytes(): number {
    return this.#fetched[0]?.openBytes ?? 0
  }

  closeBatch(): void {
    this.#fetched[0]?.closeBatch()
  }

  get isEmpty(): boolean {
    return this.#fetched.length === 0
  }

  get ready(): boolean {
    return !this.paused && this.#fetched.length > 0
  }

  append(fetched: FetchedRecords): void {
    this.#fetched.push(fetched)
    this.fetchedTo = fetched.nextOffset
    this.lastEpoch = fetched.lastEpoch
  }

  /**
   * Takes up to `max` records. Malformed bytes become the `failure`; the records before them are returned.
   */
  take(max: number): RecordBatch {
    const records: RawRecord[] = []
    const fetched = this.#fetched
    try {
      while (fetched.length > 0 && records.length < max) {
        const first = fetched[0]!
        const mayGoOn = first.readInto(records, max - records.length)
        this.position = first.position
        if (first.isEmpty) fetched.shift()
        else if (!mayGoOn) break
      }
    } catch (cause) {
      this.#stopBefore(fetched[0]!, records.at(-1), errorFrom(cause))
    }
    return { topic: this.topic, partition: this.partition, records, nextOffset: this.position }
  }

  #stopBefore(fetched: FetchedRecords, last: RawRecord | undefined, cause: Error): void {
    const position = Math.max(this.position, fetched.position, last ? last.offset + 1 : 0)
    const message = `${this.topic}-${this.partition} at offset ${position}: ${cause.message}`
    this.failure = malformedError(message, cause, [{ topic: this.topic, partition: this.partition }])
    this.position = position
    this.clear()
  }

  /** Drops the batches that were not polled. */
  clear(): void {
    this.#fetched.length = 0
  }
}
