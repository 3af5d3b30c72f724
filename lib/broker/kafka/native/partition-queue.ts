import type { RawRecord, RecordBatch } from '../../broker.ts'

/**
 * Records of one partition that were fetched and not polled yet. Each assignment of a partition gets a new
 * queue, so that the records of two are never mixed. The fetcher limits the sum of all queues.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** The offset of the next record to poll, or a lower one. */
  position: number
  /** The offset behind all that was fetched, with markers and aborted records. */
  fetchedTo: number
  /** The last end of the partition that a fetch has reached; undefined before the first. */
  end: number | undefined
  paused = false
  /** Whether the partition is assigned to the native client, and below whether it is paused there. */
  applied = false
  nativelyPaused = false
  /** Whether an error was reported for the partition, which is not read on. */
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

  /** Whether a poll would return records, or move over markers and aborted records. */
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
    // The bytes of the records that stay are estimated by the average, which is enough for a limit.
    this.bytes = length === 0 ? 0 : Math.round((this.bytes * (length - some.length)) / length)
    if (this.length === 0) {
      this.#records = []
      this.#head = 0
    }
    return some
  }
}
