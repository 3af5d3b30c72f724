import type { Counter } from '../../common/metrics/meter.ts'
import { errorFrom, RecordFailedError } from '../../common/errors/errors.ts'
import { Headers } from '../../common/headers.ts'
import type { TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import { isPromise } from '../../common/promises.ts'
import { isInBuffer, type SourceInBuffer } from '../../common/record-context.ts'
import { invalidTimestamp, isTimestamp } from '../../common/timestamps.ts'
import type { RawRecord, RecordBatch } from '../../broker/broker.ts'
import type { DeserializationErrorHandler } from '../../processor/error-handlers.ts'
import type { TimestampExtractor } from '../../processor/timestamp-extractor.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { pendingValue } from '../../serde/serde-error.ts'
import { SerdePendingError } from '../../serde/serde-pending-error.ts'
import { askHandler, ERROR_ANSWERS } from '../nodes/ask-handler.ts'
import { answerOf } from '../nodes/dead-letters.ts'
import type { RecordCollector } from '../nodes/record-collector.ts'
import type { KeyPrefetch } from './key-prefetch.ts'
import { QueuedRecord } from './queued-record.ts'
import type { TopicTraffic } from '../metrics/task-metrics.ts'

export interface RecordQueueOptions {
  readonly taskId: TaskId
  readonly topic: string
  readonly partition: number
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly timestampExtractor: TimestampExtractor
  readonly onDeserializationError: DeserializationErrorHandler
  readonly dropped: Counter
  readonly logger: Logger
  /** Prefetches from the stores of the task; undefined where it has none. */
  readonly prefetch?: KeyPrefetch | undefined
  /** Takes dead letters; undefined for global stores, whose threads write nothing. */
  readonly collector?: RecordCollector | undefined
  readonly traffic?: TopicTraffic | undefined
  /** Whether the task may wait for its records, which may be older than those at hand. Default true. */
  readonly isWaitedFor?: boolean
}

interface Refusal {
  readonly fault: string
  readonly mend: string
}

const UNREADABLE: Refusal = { fault: 'cannot be deserialised', mend: 'serde' }
const UNTIMED: Refusal = { fault: 'has no usable timestamp', mend: 'timestampExtractor' }

/** A record that cannot be deserialised yet: its schema is being fetched. */
interface WaitingRecord {
  readonly raw: RawRecord
  readonly reason: SerdePendingError
  isSettled: boolean
  /** The error of fetching the schema: the record is neither good nor bad, and must not be dropped. */
  failure: Error | undefined
}

/**
 * Records of one partition, waiting for their turn. Only the head is deserialised: a backlog costs its bytes
 * and no more. Bounded by the task, which pauses the partition (`bufferedRecordsPerPartition`).
 */
export class RecordQueue {
  readonly topic: string
  readonly partition: number
  readonly isWaitedFor: boolean
  readonly #options: RecordQueueOptions
  #chunks: (readonly RawRecord[])[] = []
  #index = 0
  #size = 0
  #endOffset: number | undefined
  #head: QueuedRecord | undefined
  #waiting: WaitingRecord | undefined
  #partitionTimeMs = -1
  /** Records dropped for a negative timestamp. */
  #negative = 0
  #tellNegativeAt = 1

  constructor(options: RecordQueueOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.isWaitedFor = options.isWaitedFor ?? true
    this.#options = options
  }

  /** Records that wait, the head included. */
  get size(): number {
    return this.#size + (this.#head || this.#waiting ? 1 : 0)
  }

  get head(): QueuedRecord | undefined {
    return this.#head
  }

  /** The reason why there is no head though records wait: the first one's schema is being fetched. */
  get waitingFor(): SerdePendingError | undefined {
    return this.#waiting?.reason
  }

  /** Timestamp of the head. Only asked for where there is one. */
  get headTimestampMs(): number {
    return this.#head ? this.#head.timestamp : Infinity
  }

  /**
   * The highest timestamp taken from this partition so far; -1 at first. Committed with the offset, so that
   * it survives a restart.
   */
  get partitionTimeMs(): number {
    return this.#partitionTimeMs
  }

  set partitionTimeMs(timeMs: number) {
    this.#partitionTimeMs = timeMs
  }

  /**
   * The offset to commit: of the next record to process, or behind all records that came. Undefined before
   * the first.
   */
  get nextOffset(): number | undefined {
    return (this.#head ?? this.#waiting?.raw)?.offset ?? this.#endOffset
  }

  add(batch: RecordBatch): void {
    if (batch.records.length > 0) {
      this.#chunks.push(batch.records)
      this.#size += batch.records.length
    }
    this.#endOffset = batch.nextOffset
    if (!this.#head && !this.#waiting) this.#advance()
  }

  /** Goes on with the waiting record, if its schema has come. Throws where it cannot be had. */
  resume(): void {
    const waiting = this.#waiting
    if (!waiting?.isSettled) return
    // The record stays the next one: its offset is not committed.
    if (waiting.failure) throw waiting.failure
    this.#waiting = undefined
    this.#head = this.#deserialize(waiting.raw, undefined)
    if (!this.#head) this.#advance()
  }

  /** Takes the head. Only called while there is one. */
  take(): QueuedRecord {
    const record = this.#head!
    this.#head = undefined
    if (record.timestamp > this.#partitionTimeMs) this.#partitionTimeMs = record.timestamp
    this.#advance()
    return record
  }

  /** Sets the offset behind which no record has been read; waiting records are still to be processed. */
  goOnAt(offset: number): void {
    this.#endOffset = offset
  }

  clear(): void {
    this.#chunks = []
    this.#index = 0
    this.#size = 0
    this.#head = undefined
    this.#waiting = undefined
    this.#endOffset = undefined
  }

  #advance(): void {
    while (this.#size > 0 && !this.#waiting) {
      const keyText = this.#knownKey()
      const head = this.#deserialize(this.#nextRaw(), keyText)
      if (head) {
        this.#head = head
        return
      }
    }
  }

  /**
   * The next record's key, where a store knows its text, and the key's serde would read the same from its
   * bytes.
   */
  #knownKey(): string | undefined {
    const { prefetch, keySerde } = this.#options
    const text = prefetch?.ahead(this.#chunks[0]!, this.#index)
    return keySerde.readsAscii ? text : undefined
  }

  #nextRaw(): RawRecord {
    const chunk = this.#chunks[0]!
    const raw = chunk[this.#index]!
    this.#index += 1
    this.#size -= 1
    if (this.#index === chunk.length) {
      this.#chunks.shift()
      this.#index = 0
    }
    return raw
  }

  #deserialize(raw: RawRecord, keyText: string | undefined): QueuedRecord | undefined {
    const { topic, keySerde, valueSerde } = this.#options
    let key: unknown = null
    let value: unknown = null
    try {
      const context = raw.headers.length === 0 ? this.#options : { topic, headers: new Headers(raw.headers) }
      if (isInBuffer(raw)) {
        this.#consumed(raw, lengthOf(raw.keyStart, raw.keyEnd) + lengthOf(raw.valueStart, raw.valueEnd))
        key = keyText ?? read(keySerde, raw, raw.keyStart, raw.keyEnd, context)
        value = read(valueSerde, raw, raw.valueStart, raw.valueEnd, context)
      } else {
        const { key: keyBytes, value: valueBytes } = raw
        this.#consumed(raw, (keyBytes?.length ?? 0) + (valueBytes?.length ?? 0))
        if (keyBytes !== null) key = keySerde.deserialize(keyBytes, context)
        if (valueBytes !== null) value = valueSerde.deserialize(valueBytes, context)
      }
      if (isPromise(key)) throw pendingValue(keySerde.name, key, context)
      if (isPromise(value)) throw pendingValue(valueSerde.name, value, context)
    } catch (cause) {
      if (cause instanceof SerdePendingError) this.#wait(raw, cause)
      else this.#refuse(raw, errorFrom(cause), UNREADABLE)
      return undefined
    }
    const record = new QueuedRecord(this, raw, key, value, raw.timestamp)
    const timestamp = this.#timestampOf(record)
    if (timestamp === undefined) return undefined
    // The extractor may have kept its record: another timestamp needs another object.
    return timestamp === record.timestamp ? record : new QueuedRecord(this, raw, key, value, timestamp)
  }

  #consumed({ headers }: RawRecord, payload: number): void {
    this.#options.traffic?.count(payload, headers)
  }

  /** The record's timestamp; undefined where the record is dropped. */
  #timestampOf(record: QueuedRecord): number | undefined {
    let timestamp: number
    try {
      timestamp = this.#options.timestampExtractor(record, this.#partitionTimeMs)
      if (isTimestamp(timestamp)) return timestamp
      if (!Number.isSafeInteger(timestamp))
        throw invalidTimestamp('the timestamp extractor returned', timestamp)
    } catch (cause) {
      this.#refuse(record.source, errorFrom(cause), UNTIMED)
      return undefined
    }
    this.#dropNegative(record, timestamp)
    return undefined
  }

  /**
   * Drops a record. Warns of the first one, and each time that there are ten times as many: a topic may be
   * full of them.
   */
  #dropNegative({ topic, partition, offset }: QueuedRecord, timestamp: number): void {
    this.#options.dropped.add()
    this.#negative += 1
    if (this.#negative < this.#tellNegativeAt) return
    this.#tellNegativeAt *= 10
    this.#options.logger.log(
      'warn',
      `record ${topic}-${partition}@${offset} is dropped, since its timestamp extractor returned ${timestamp}; it is ` +
        `number ${this.#negative} of this partition since the task was built`,
    )
  }

  #wait(raw: RawRecord, reason: SerdePendingError): void {
    const waiting: WaitingRecord = { raw, reason, isSettled: false, failure: undefined }
    this.#waiting = waiting
    const settle = (failure?: unknown) => {
      waiting.isSettled = true
      if (failure !== undefined) waiting.failure = errorFrom(failure)
    }
    reason.settled.then(() => settle(), settle)
  }

  #refuse(raw: RawRecord, error: Error, { fault, mend }: Refusal): void {
    const { taskId } = this.#options
    const { topic, partition } = this
    const { offset, timestamp, headers } = raw
    const place = { taskId, nodeName: undefined, topic, partition, offset, timestamp, headers }
    const context = { ...place, source: raw }
    const at = `record ${topic}-${partition}@${offset} ${fault}`
    const question = { handler: 'deserializationErrorHandler', answers: ERROR_ANSWERS, place: at }
    const answer = askHandler(this.#options.onDeserializationError, error, context, question)
    this.#options.collector?.sendDeadLetters(answer, error, context, 'undeserialisable')
    if (answerOf(answer) === 'continue') return this.#options.dropped.add()
    throw new RecordFailedError(
      'DESERIALIZATION_FAILED',
      `${at} (${error.message}). ` +
        `Set deserializationErrorHandler to skip such records, or mend the ${mend}.`,
      { cause: error },
    )
  }
}

/** Length of a range of bytes; an end before its start stands for null. */
function lengthOf(start: number, end: number): number {
  return end > start ? end - start : 0
}

function read(
  serde: Serde<unknown>,
  { buffer }: SourceInBuffer,
  start: number,
  end: number,
  context: SerdeContext,
): unknown {
  if (end < start) return null
  if (serde.deserializeFrom) return serde.deserializeFrom(buffer, start, end, context)
  return serde.deserialize(buffer.subarray(start, end), context)
}
