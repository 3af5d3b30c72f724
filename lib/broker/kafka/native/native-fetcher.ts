import { assert } from '../../../common/assert.ts'
import type { Clock } from '../../../common/clock.ts'
import type { BrokerError } from '../../broker-error.ts'
import type { RecordBatch, TopicPartition, TopicPartitionOffset } from '../../broker.ts'
import { brokerErrorFrom } from './classify-error.ts'
import { SOCKET_TIMEOUT_MS, socketTimeoutMs, type ClientProperties } from '../settings/client-settings.ts'
import type { Fetcher } from '../client/fetch/fetcher.ts'
import type { NativeSettings } from '../settings/client-settings.ts'
import type { NativeConsumer, NativeError, NativeMessage, NativePartition } from './native-client.ts'
import { PartitionMap } from '../protocol/partition-map.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { RangeCheck } from './range-check.ts'
import { incomingHeaders } from './record-headers.ts'

/** Records of one `consume`: enough to pay for its thread, few enough for turns of a few milliseconds. */
const BATCH_RECORDS = 2_000
/** How long a partition may bring nothing before its end, until its position is checked. */
const SILENT_MS = 1_000
const OFFSET_RESET = -140
/**
 * Settings of the native consumer. Half of `bytesMax` is for librdkafka's queue, half for the queues here.
 * `client` has the user's settings.
 */
export function fetcherSettings(bytesMax: number, client: ClientProperties): NativeSettings {
  return {
    'socket.timeout.ms': socketTimeoutMs(client, SOCKET_TIMEOUT_MS),
    // The client demands a group id, which is not sent without a group.
    'group.id': 'millrace-reader',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    // The runtime decides about a position out of range; the client's default would jump to the end.
    'auto.offset.reset': 'error',
    // The end of a partition is the only event for markers and aborted records behind the last record.
    'enable.partition.eof': true,
    // The default of 1,000 stops fetching for a second whenever the queue is full.
    'fetch.queue.backoff.ms': 10,
    // A low default: a newly assigned partition is asked for after the long poll of the others.
    'fetch.wait.max.ms': 100,
    'queued.max.messages.kbytes': Math.max(1, Math.ceil(bytesMax / 2048)),
    'queued.min.messages': 100_000,
  }
}

export interface NativeFetcherOptions {
  readonly native: NativeConsumer
  readonly clock: Clock
  readonly bytesMax: number
  readonly ranges: RangeCheck
  readonly wake: () => void
}

/**
 * The fetcher of the native path. There is at most one `consume` at a time, with timeout 0, so that it does
 * not hold a thread of libuv's pool; the next one begins before the batch of the last is polled. Changes of
 * the assignment wait for the call, so that each result belongs to one assignment.
 */
export class NativeFetcher implements Fetcher {
  readonly #native: NativeConsumer
  readonly #clock: Clock
  readonly #ranges: RangeCheck
  readonly #wake: () => void
  readonly #queuedBytesMax: number
  readonly #partitions = new PartitionMap<PartitionQueue>()
  /** `#partitions` as a list, in the order in which they are polled. */
  #turns: readonly PartitionQueue[] = []
  #nextTurn = 0
  /** Queues whose partitions the native client still has to be unassigned from. */
  #leaving: PartitionQueue[] = []
  #ends: NativePartition[] = []
  readonly #errors: BrokerError[] = []
  #consuming = false
  #checking = false
  /** Whether the native queue may hold more records. */
  #more = false
  #settled: (() => void) | undefined
  #closed = false

  constructor({ native, clock, bytesMax, ranges, wake }: NativeFetcherOptions) {
    this.#native = native
    this.#clock = clock
    this.#ranges = ranges
    this.#wake = wake
    this.#queuedBytesMax = bytesMax / 2
    native.setDefaultConsumeTimeout(0)
    native.on('partition.eof', end => this.#ends.push(end))
  }

  /** To be called by the native queue when it is no longer empty. */
  nativeReady(): void {
    this.#more = true
    this.#pump()
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    const nowMs = this.#clock.monotonicMs()
    for (const { topic, partition, offset } of positions) {
      this.#leave(this.#partitions.get(topic, partition))
      const queue = new PartitionQueue(topic, partition, offset, nowMs)
      this.#partitions.set(queue, queue)
    }
    this.#assignmentChanged()
  }

  unassign(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#leave(this.#partitions.delete(each))
    this.#assignmentChanged()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const queue = this.#partitions.get(topic, partition)
      if (queue) queue.paused = true
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const queue = this.#partitions.get(topic, partition)
      if (!queue) continue
      queue.paused = false
      if (queue.nativelyPaused) this.#native.resume([{ topic, partition }])
      queue.nativelyPaused = false
      queue.progressAtMs = this.#clock.monotonicMs()
    }
    this.#pump()
  }

  position({ topic, partition }: TopicPartition): number | undefined {
    return this.#partitions.get(topic, partition)?.position
  }

  /**
   * The end of a partition: where the fetch has reached it, that is the last stable offset for
   * `read_committed`. Before, it is the high watermark, which with an open transaction is past the last
   * stable offset.
   */
  knownEnd({ topic, partition }: TopicPartition): number | undefined {
    const queue = this.#partitions.get(topic, partition)
    if (!queue || queue.atEnd) return queue?.end
    if (!queue.applied) return undefined
    const { highOffset } = this.#native.getWatermarkOffsets(topic, partition)
    return highOffset < 0 ? undefined : Math.max(highOffset, queue.fetchedTo)
  }

  get hasData(): boolean {
    for (const queue of this.#turns) if (queue.ready) return true
    return false
  }

  poll(maxRecords: number): readonly RecordBatch[] {
    const batches: RecordBatch[] = []
    let room = maxRecords
    const turns = this.#turns
    for (let step = 0; step < turns.length && room > 0; step += 1) {
      // The partition that reached the limit is polled last the next time.
      const queue = turns[(this.#nextTurn + step) % turns.length]!
      if (!queue.ready) continue
      const batch = queue.take(room)
      batches.push(batch)
      room -= batch.records.length
      if (room <= 0) this.#nextTurn = (this.#nextTurn + step + 1) % turns.length
    }
    if (this.#more) this.#pump()
    return batches
  }

  get hasError(): boolean {
    return this.#errors.length > 0
  }

  takeError(): BrokerError | undefined {
    return this.#errors.shift()
  }

  tick(): void {
    this.#pump()
    const nowMs = this.#clock.monotonicMs()
    const silent = this.#turns.filter(queue => isSilent(queue, nowMs))
    if (silent.length === 0) return
    for (const queue of silent) queue.progressAtMs = nowMs
    this.#checkRanges(silent)
  }

  /** The caller disconnects the native client afterwards. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#consuming) await new Promise<void>(resolve => (this.#settled = resolve))
  }

  #leave(queue: PartitionQueue | undefined): void {
    if (queue?.applied) this.#leaving.push(queue)
  }

  #assignmentChanged(): void {
    this.#turns = this.#partitions.values()
    this.#nextTurn = 0
    if (!this.#consuming) this.#reconcile()
    this.#pump()
  }

  /** Applies changes of the assignment to the native client. Must not be called during a `consume`. */
  #reconcile(): void {
    assert(!this.#consuming, 'the assignment was changed under a consume call')
    const leaving = this.#leaving
    const coming = this.#turns.filter(queue => !queue.applied)
    if (leaving.length > 0) {
      this.#leaving = []
      // The client remembers that a partition was paused when it is assigned again.
      const paused = leaving.filter(queue => queue.nativelyPaused)
      if (paused.length > 0) this.#native.resume(paused.map(placeOf))
      this.#native.incrementalUnassign(leaving.map(placeOf))
    }
    if (coming.length === 0) return
    this.#native.incrementalAssign(coming.map(queue => ({ ...placeOf(queue), offset: queue.fetchedTo })))
    for (const queue of coming) queue.applied = true
  }

  #pump(): void {
    if (this.#consuming || this.#closed || this.#turns.length === 0) return
    if (this.#isFull()) {
      this.#more = true
      return
    }
    this.#consuming = true
    this.#more = false
    this.#native.consume(BATCH_RECORDS, (error, messages) => this.#consumed(error, messages))
  }

  /**
   * Two batches may wait, so that one is processed while the next is converted, within the limit of bytes.
   */
  #isFull(): boolean {
    let records = 0
    let bytes = 0
    for (const queue of this.#turns) {
      if (!queue.paused) records += queue.length
      bytes += queue.bytes
    }
    return records >= BATCH_RECORDS || (records > 0 && bytes >= this.#queuedBytesMax)
  }

  #consumed(error: NativeError | null | undefined, messages: readonly NativeMessage[]): void {
    this.#consuming = false
    const nowMs = this.#clock.monotonicMs()
    if (error) this.#reportNative(error)
    else if (messages.length > 0) this.#append(messages, nowMs)
    const ends = this.#ends
    if (ends.length > 0) this.#reachedEnds(ends, nowMs)
    if (this.#closed) return this.#settled?.()
    this.#reconcile()
    this.#boundPaused()
    if (this.#more || error || messages.length > 0 || ends.length > 0) this.#pump()
    if (this.hasData || this.#errors.length > 0) this.#wake()
  }

  #append(messages: readonly NativeMessage[], nowMs: number): void {
    let queue: PartitionQueue | undefined
    for (const message of messages) {
      if (queue?.partition !== message.partition || queue.topic !== message.topic) {
        queue = this.#partitions.get(message.topic, message.partition)
        // The assignment of the record has ended during the call.
        if (queue && !queue.applied) queue = undefined
        if (queue) queue.progressAtMs = nowMs
      }
      if (!queue || message.offset < queue.fetchedTo) continue
      const { key, value, timestamp, offset } = message
      queue.append({ key, value, timestamp, offset, headers: incomingHeaders(message.headers) }, message.size)
    }
  }

  #reachedEnds(ends: readonly NativePartition[], nowMs: number): void {
    this.#ends = []
    for (const { topic, partition, offset = 0 } of ends) {
      const queue = this.#partitions.get(topic, partition)
      if (!queue?.applied) continue
      queue.reachedEnd(offset)
      queue.progressAtMs = nowMs
    }
  }

  /**
   * Paused partitions may fill half of the queues. Then they are paused in the native client, which drops
   * what it has fetched of them.
   */
  #boundPaused(): void {
    const paused = this.#turns.filter(queue => queue.paused && queue.applied && !queue.nativelyPaused)
    const bytes = paused.reduce((sum, queue) => sum + queue.bytes, 0)
    if (bytes < this.#queuedBytesMax / 2) return
    const full = paused.filter(queue => queue.length > 0)
    this.#native.pause(full.map(placeOf))
    for (const queue of full) queue.nativelyPaused = true
  }

  #reportNative(native: NativeError): void {
    const error = brokerErrorFrom(native, 'reading')
    // The client mends by itself what is retriable: broken connections, leaders that move.
    if (error.class === 'retriable') return
    if (native.code !== OFFSET_RESET) {
      this.#errors.push(error)
      return
    }
    // The error does not name the partition.
    this.#checkRanges(
      this.#turns.filter(queue => queue.applied && !queue.atEnd && !queue.failed),
      true,
    )
  }

  /**
   * Finds partitions that do not exist, of which the client says nothing, and positions out of range, of
   * which it may say nothing. `again` starts those in range anew, after a result whose ends were lost with an
   * error.
   */
  #checkRanges(queues: readonly PartitionQueue[], again = false): void {
    if (this.#checking || queues.length === 0) return
    this.#checking = true
    const asked = queues.map(queue => ({
      queue,
      topic: queue.topic,
      partition: queue.partition,
      offset: queue.fetchedTo,
    }))
    this.#ranges.check(asked).then(
      errors => {
        this.#checking = false
        for (const [index, { queue, offset }] of asked.entries()) {
          const current = this.#partitions.get(queue.topic, queue.partition) === queue
          if (!current || queue.failed || queue.fetchedTo !== offset) continue
          const error = errors[index]
          if (error) this.#fail(queue, error)
          else if (again && !queue.atEnd && !queue.nativelyPaused) this.#restart(queue)
        }
      },
      () => {
        // The broker does not answer, and the check is repeated after `SILENT_MS`.
        this.#checking = false
      },
    )
  }

  #fail(queue: PartitionQueue, error: BrokerError): void {
    queue.failed = true
    this.#errors.push(error)
    this.#wake()
  }

  #restart(queue: PartitionQueue): void {
    this.#leave(queue)
    queue.applied = false
    this.#assignmentChanged()
  }
}

function isSilent(queue: PartitionQueue, nowMs: number): boolean {
  if (!queue.applied || queue.failed || queue.nativelyPaused || queue.atEnd) return false
  return queue.length === 0 && nowMs - queue.progressAtMs >= SILENT_MS
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
