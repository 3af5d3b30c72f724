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

/**
 * Of one native call: large enough to pay for its thread hop, small enough to keep the event loop's turns at
 * a few ms.
 */
const BATCH_RECORDS = 2_000
/** A partition that is silent for so long, and not at its end, is looked into. */
const SILENT_MS = 1_000
const OFFSET_RESET = -140
/** `bytesMax`: half of it is fetched ahead by librdkafka, half may wait in the queues here. */
/** `client`: the user's settings. */
export function fetcherSettings(bytesMax: number, client: ClientProperties): NativeSettings {
  return {
    'socket.timeout.ms': socketTimeoutMs(client, SOCKET_TIMEOUT_MS),
    // Required by the client even where no group is used; never sent.
    'group.id': 'millrace-reader',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    // A position that is gone is the runtime's to judge: the default would jump to the end.
    'auto.offset.reset': 'error',
    // Where a fetch reaches the end is the only news of markers and aborted records behind the last record.
    'enable.partition.eof': true,
    // The default of 1,000 stops fetching for a second whenever the queue is full.
    'fetch.queue.backoff.ms': 10,
    // A partition assigned anew waits for the long poll of the others on its connection.
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
 * Reading through the native client's `consume`. At most one `consume` is outstanding, with timeout 0, so
 * that no thread of libuv's pool is held; the next one is issued before the batch of the last is polled.
 * Changes of the assignment wait for the call under way: then every result belongs to exactly one assignment,
 * and late records cannot be taken for early ones.
 */
export class NativeFetcher implements Fetcher {
  readonly #native: NativeConsumer
  readonly #clock: Clock
  readonly #ranges: RangeCheck
  readonly #wake: () => void
  readonly #queuedBytesMax: number
  readonly #partitions = new PartitionMap<PartitionQueue>()
  /** `#partitions` as a list, for the turns of `poll`; rebuilt when the assignment changes. */
  #turns: readonly PartitionQueue[] = []
  #nextTurn = 0
  /** What the native client fetches, by assignment: these leave it at the next reconciliation. */
  #leaving: PartitionQueue[] = []
  #ends: NativePartition[] = []
  readonly #errors: BrokerError[] = []
  #consuming = false
  #checking = false
  /** The native queue may hold more than we have taken. */
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
   * At the end: what the fetch has reached, which is the last stable offset for read_committed. Before it:
   * the high watermark of the last fetch, since the client tells no more; with an open transaction that is
   * past the last stable offset.
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
      // The partition that took the last room begins the next poll's queue behind all others.
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

  /** Brings the native assignment in line with ours. Never while a `consume` is outstanding. */
  #reconcile(): void {
    assert(!this.#consuming, 'the assignment was changed under a consume call')
    const leaving = this.#leaving
    const coming = this.#turns.filter(queue => !queue.applied)
    if (leaving.length > 0) {
      this.#leaving = []
      // A client that takes a partition back remembers that it was paused.
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
   * Two batches wait at most, so that one can be processed while the next is converted; and never more bytes
   * than allowed.
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
        // Of an assignment that has ended while the call was under way.
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
   * Partitions that nobody takes from may fill half of the room; then the client stops fetching them, and
   * forgets its own part.
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
    // The client goes on by itself: connections break, leaders move.
    if (error.class === 'retriable') return
    if (native.code !== OFFSET_RESET) {
      this.#errors.push(error)
      return
    }
    // It does not say which partition.
    this.#checkRanges(
      this.#turns.filter(queue => queue.applied && !queue.atEnd && !queue.failed),
      true,
    )
  }

  /**
   * The client is silent about a partition that does not exist, and may swallow that an offset is out of
   * range. `again`: start those anew that are in range, since the result with the error has lost the ends
   * that were reached in it.
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
        // The broker does not answer: the partition is still silent in a second, and is asked for again.
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
