import type { RawRecord, RecordBatch } from '../../../broker.ts'
import { errorFrom } from '../../../../common/errors.ts'
import type { BrokerError } from '../../../broker-error.ts'
import { malformedError } from '../../protocol/protocol-error.ts'
import type { BatchHolder } from './decode-budget.ts'
import type { FetchedRecords } from './fetched-records.ts'

/**
 * What was fetched of one partition and not polled yet, as the broker sent it. A new assignment of the
 * partition is a new queue, so an answer to an earlier one is never mixed up with it. Its bound is kept by
 * whoever asks for more.
 */
export class FetchQueue implements BatchHolder {
  readonly topic: string
  readonly partition: number
  /** Of the next record to hand out, at least. */
  position: number
  /** From where to fetch on. */
  fetchedTo: number
  /** The end that the last fetch saw; undefined before the first. */
  end: number | undefined
  paused = false
  /** Why nothing more will come; told when what came before is polled. */
  failure: BrokerError | undefined
  /** The assignment is over: what still arrives for it is dropped. */
  closed = false
  /** The node it is read from; undefined while that is not known. */
  leader: number | undefined
  leaderEpoch = -1
  /**
   * As the cluster says now; and as it was when something was first read, which is what our offsets belong
   * to.
   */
  topicId: string | undefined
  readTopicId: string | undefined
  lastEpoch = -1
  /** More than the usual share of a response where a single batch needs it. */
  batchBytes = 0
  /** Not to be asked for before: something went wrong with it. */
  retryAtMs = 0
  failures = 0
  /** So many times in a row the cluster has answered that there is no such partition. */
  unknownAnswers = 0
  readonly #fetched: FetchedRecords[] = []

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic
    this.partition = partition
    this.position = offset
    this.fetchedTo = offset
  }

  /** Not yet polled. */
  get bytes(): number {
    let bytes = 0
    for (const each of this.#fetched) bytes += each.bytesLeft
    return bytes
  }

  /** Only the first of what was fetched can have a batch open. */
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

  /** Bytes that make no sense become the queue's `failure`; the records before them come out all the same. */
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

  /** Drops what was not polled. */
  clear(): void {
    this.#fetched.length = 0
  }
}
