import type { RecordBatch, TopicPartition } from '../../broker/broker.ts'
import { assert } from '../../common/assert.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import type { SerdePendingError } from '../../serde/serde-pending-error.ts'
import { QueueHeap } from './queue-heap.ts'
import type { QueuedRecord } from './queued-record.ts'
import type { RecordQueue } from './record-queue.ts'

/** How far an input of a task has come. */
export interface InputProgress extends TopicPartition {
  /** The highest timestamp that was processed; −1 before the first record. */
  readonly partitionTimeMs: number
  /** Number of records that wait to be processed. */
  readonly size: number
}

/**
 * Records that are still on the broker behind the fetched ones: 0 when the end is reached, undefined while
 * that is not known.
 */
export type FetchLag = (queue: RecordQueue) => number | undefined

/**
 * The queues of one task. It gives out records by rising head timestamp, and keeps the task's stream time,
 * which never falls.
 */
export class PartitionGroup {
  readonly #queues = new Map<string, RecordQueue>()
  readonly #heap = new QueueHeap()
  readonly #maxTaskIdleMs: number
  readonly #idleDeadlines = new Map<RecordQueue, number>()
  /** Queues whose first record waits for its schema. */
  readonly #waiting = new Set<RecordQueue>()
  /** How many queues may be waited for, and how many of them have a record. */
  #waitedFor = 0
  #withRecords = 0
  #streamTimeMs = -1
  #isEnforced = false
  /** Counts records that are taken though an older one may still come. */
  enforced: Counter | undefined

  constructor(queues: readonly RecordQueue[], maxTaskIdleMs: number) {
    for (const queue of queues) this.addQueue(queue)
    this.#maxTaskIdleMs = maxTaskIdleMs
  }

  get streamTimeMs(): number {
    return this.#streamTimeMs
  }

  /** Raises stream time to a committed one: a restarted task goes on where it was. */
  raiseStreamTime(timeMs: number): void {
    if (timeMs > this.#streamTimeMs) this.#streamTimeMs = timeMs
  }

  get queues(): Iterable<RecordQueue> {
    return this.#queues.values()
  }

  get size(): number {
    let size = 0
    for (const queue of this.#queues.values()) size += queue.size
    return size
  }

  addQueue(queue: RecordQueue): void {
    if (queue.isWaitedFor) this.#waitedFor += 1
    this.#queues.set(partitionKey(queue.topic, queue.partition), queue)
  }

  queue(topic: string, partition: number): RecordQueue | undefined {
    return this.#queues.get(partitionKey(topic, partition))
  }

  add(batch: RecordBatch): RecordQueue {
    const queue = this.queue(batch.topic, batch.partition)
    assert(queue, `records of ${batch.topic}-${batch.partition} came to a task that does not read it`)
    const wasEmpty = queue.head === undefined
    queue.add(batch)
    if (wasEmpty) this.#place(queue)
    return queue
  }

  /** The reason why a partition's records wait; undefined where none waits for its schema. */
  get waitingFor(): SerdePendingError | undefined {
    for (const queue of this.#waiting) return queue.waitingFor
    return undefined
  }

  hasRecords(): boolean {
    return this.#heap.size > 0
  }

  /**
   * Whether the next record may be taken: an empty queue might still bring an older one (KIP-695). With
   * `maxTaskIdleMs` 0 the task waits for records that the broker is known to have, with more also that long
   * for others. `nowMs`: time of a monotonic clock.
   */
  isReady(nowMs: number, lag: FetchLag): boolean {
    if (this.#waiting.size > 0) this.#resumeWaiting()
    if (this.#heap.size === 0) return false
    if (this.#withRecords === this.#waitedFor || this.#maxTaskIdleMs < 0) {
      if (this.#idleDeadlines.size > 0) this.#idleDeadlines.clear()
      this.#isEnforced = false
      return true
    }
    let ready = true
    for (const queue of this.#queues.values()) if (!this.#mayPass(queue, nowMs, lag)) ready = false
    this.#isEnforced = ready && this.#idleDeadlines.size > 0
    return ready
  }

  /** Takes the next record. Only called while `hasRecords()`. */
  take(): QueuedRecord {
    if (this.#isEnforced && this.enforced) this.enforced.value += 1
    const queue = this.#heap.pop()
    if (queue.isWaitedFor) this.#withRecords -= 1
    const record = queue.take()
    this.#place(queue)
    if (record.timestamp > this.#streamTimeMs) this.#streamTimeMs = record.timestamp
    return record
  }

  /** Forgets all waiting records; partition times and stream time are set anew by the caller. */
  reset(): void {
    for (const queue of this.#queues.values()) queue.clear()
    this.#heap.clear()
    this.#withRecords = 0
    this.#waiting.clear()
    this.#idleDeadlines.clear()
    this.#streamTimeMs = -1
  }

  #place(queue: RecordQueue): void {
    if (queue.head) {
      this.#heap.push(queue)
      if (queue.isWaitedFor) this.#withRecords += 1
    } else if (queue.waitingFor) this.#waiting.add(queue)
  }

  #resumeWaiting(): void {
    for (const queue of this.#waiting) {
      queue.resume()
      if (queue.waitingFor) continue
      this.#waiting.delete(queue)
      this.#place(queue)
    }
  }

  #mayPass(queue: RecordQueue, nowMs: number, lag: FetchLag): boolean {
    // The record that waits may be an older one: its time is not known yet.
    if (queue.waitingFor) return false
    if (!queue.isWaitedFor) return true
    if (queue.head) {
      this.#idleDeadlines.delete(queue)
      return true
    }
    const behind = lag(queue)
    if (behind === undefined || behind > 0) {
      this.#idleDeadlines.delete(queue)
      return false
    }
    if (this.#maxTaskIdleMs === 0) return true
    const deadline = this.#idleDeadlines.get(queue) ?? nowMs + this.#maxTaskIdleMs
    this.#idleDeadlines.set(queue, deadline)
    return nowMs >= deadline
  }
}
