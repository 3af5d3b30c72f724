import type { RawRecord, RecordBatch } from '../../broker.ts'

/**
 * What was fetched of one partition and not polled yet. A new assignment of the partition is a new queue, so
 * whoever holds an old one cannot mix the two up. The bound is the fetcher's, over all queues.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** Of the next record to hand out, at least. */
  position: number
  /** Past everything that was fetched: records, and what was skipped up to the end. */
  fetchedTo: number
  /** The last end that a fetch has reached; undefined before the first. */
  end: number | undefined
  paused = false
  /** Whether the native client fetches it, and whether it has been told to pause. */
  applied = false
  nativelyPaused = false
  /** An error was reported for it; nothing will come any more. */
  failed = false
  bytes = 0
  progressAtMs: number
  #records: RawRecord[] = []
  #head = 0

  constructor(topic: string, partition: number, offset: number, nowMs: number) {
    this.topic = topic
    this.partition = partition
    this.position = offset
    this.fetchedTo = offset
    this.progressAtMs = nowMs
  }

  get length(): number {
    return this.#records.length - this.#head
  }

  /** Whether a poll would hand out something: records, or just a step over markers and aborted records. */
  get ready(): boolean {
    return !this.paused && this.fetchedTo > this.position
  }

  get atEnd(): boolean {
    return this.end !== undefined && this.end >= this.fetchedTo
  }

  append(record: RawRecord, bytes: number): void {
    this.#records.push(record)
    this.bytes += bytes
    this.fetchedTo = record.offset + 1
  }

  reachedEnd(end: number): void {
    this.end = end
    if (end > this.fetchedTo) this.fetchedTo = end
  }

  take(max: number): RecordBatch {
    const records = this.#takeRecords(max)
    const last = records[records.length - 1]
    this.position = this.length === 0 || !last ? this.fetchedTo : last.offset + 1
    return { topic: this.topic, partition: this.partition, records, nextOffset: this.position }
  }

  #takeRecords(max: number): RawRecord[] {
    const length = this.length
    if (length <= max && this.#head === 0) {
      const all = this.#records
      this.#records = []
      this.bytes = 0
      return all
    }
    const some = this.#records.slice(this.#head, this.#head + max)
    this.#head += some.length
    // Of the records that stay only the sum is known; the average is good enough for a bound.
    this.bytes = length === 0 ? 0 : Math.round((this.bytes * (length - some.length)) / length)
    if (this.length === 0) {
      this.#records = []
      this.#head = 0
    }
    return some
  }
}
