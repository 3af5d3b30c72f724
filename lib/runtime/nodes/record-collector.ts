import type { OutgoingRecord } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { present } from '../../common/assert.ts'
import { copyBytes } from '../../common/bytes.ts'
import { errorFrom, RecordFailedError, StreamsError } from '../../common/errors/errors.ts'
import { Headers, type Header } from '../../common/headers.ts'
import { parseTaskId, type TaskId } from '../../common/ids.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { partitionForKey } from '../../common/hash/murmur2.ts'
import { isPromise, refusedPromise } from '../../common/promises.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type {
  ErrorHandlerContext,
  ProductionErrorContext,
  ProductionErrorHandler,
} from '../../processor/error-handlers.ts'
import type { LetterReason, LetterRecord } from '../../processor/letter.ts'
import { Record } from '../../processor/record.ts'
import type { BytesPartitioner, StreamPartitioner } from '../../processor/stream-partitioner.ts'
import { serializeTransient } from '../../serde/transient-bytes.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { notBytes } from '../../serde/serde-error.ts'
import { askHandler, PRODUCTION_ANSWERS } from './ask-handler.ts'
import { answerOf, deadLettersOf, type HandlerAnswer } from './dead-letters.ts'
import type { RecordOrigin, RecordSink } from './streams-producer.ts'
import { Refusals } from './refusals.ts'
import type { TopicTraffic } from '../metrics/task-metrics.ts'

/** Partition counts of output topics: undefined while a topic named record by record is being looked up. */
export type PartitionCounts = (topic: string) => number | undefined

/** How a sink writes to one topic. */
export interface OutputFormat {
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly partitioner: StreamPartitioner | undefined
  readonly traffic?: TopicTraffic | undefined
}

export interface RecordCollectorOptions {
  readonly taskId: TaskId
  readonly sink: RecordSink
  readonly partitionCounts: PartitionCounts
  readonly onProductionError: ProductionErrorHandler
  /** Topic of the setting of that name. */
  readonly applicationId: string
  readonly deadLetterQueueTopic: string | undefined
  /** The wall clock's. */
  readonly nowMs: () => number
  readonly dropped: Counter
  /** Refusals, shared by the tasks of a thread; without them nothing is refused after it was sent. */
  readonly refusals?: Refusals
}

/** A serialised record that waits until its topic's partition count is known. */
interface ParkedRecord {
  readonly topic: string
  readonly record: Record<unknown, unknown>
  readonly bytes: Serialized
  readonly partitioner: StreamPartitioner | undefined
}

/** A parked record with the context of its input: for the handler, where there is no such topic. */
interface ParkedOutput extends ParkedRecord {
  readonly context: RecordContext | undefined
}

interface Serialized {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly Header[]
}

/**
 * Records without a key that go to one partition in a row: batches stay large, and all partitions get their
 * share.
 */
const UNKEYED_RUN = 64

/** The way out of one task: serialises, chooses the partition, hands over to the producer. */
export class RecordCollector implements RecordOrigin {
  readonly #options: RecordCollectorOptions
  readonly #refusals: Refusals
  /** Whether anything was sent since the last commit: such a task must take part in the next one. */
  hasSent = false
  #unkeyed = 0
  /**
   * Parked outputs of one record, or of a flush: the thread looks the topic up before the next record, and
   * before it commits.
   */
  #parked: ParkedOutput[] = []
  #recordContext: (() => RecordContext) | undefined
  /** Topics of dead letters: a letter that is refused in its turn has no dead letter. */
  readonly #letterTopics = new Set<string>()
  /** Serde context of records without headers: serdes may add some, which are taken out again. */
  #bareContext: { readonly topic: string; readonly headers: Headers } | undefined

  constructor(options: RecordCollectorOptions) {
    this.#options = options
    this.#refusals = options.refusals ?? new Refusals([])
    if (options.deadLetterQueueTopic !== undefined) this.#letterTopics.add(options.deadLetterQueueTopic)
  }

  send(topic: string, record: Record<unknown, unknown>, format: OutputFormat): void {
    const count = this.#options.partitionCounts(topic)
    const bytes = this.#serialize(topic, record, format, count !== undefined && this.#options.sink.copies)
    if (!bytes) return
    const { partitioner, traffic } = format
    if (traffic) traffic.count((bytes.key?.length ?? 0) + (bytes.value?.length ?? 0), bytes.headers)
    if (count === undefined) this.#park({ topic, record, bytes, partitioner })
    else this.#route(topic, record, bytes, partitioner, count)
  }

  /** Whether records wait for their topic to be looked up. */
  get isParking(): boolean {
    return this.#parked.length > 0
  }

  parkedTopics(): string[] {
    return this.#parked.map(({ topic }) => topic)
  }

  /** Asks the handler about each parked record for a topic that does not exist. */
  refuseParked(topic: string, error: Error): void {
    const refused = this.#parked.filter(parked => parked.topic === topic)
    this.#parked = this.#parked.filter(parked => parked.topic !== topic)
    for (const { bytes, context } of refused) {
      const { key, value } = bytes
      if (this.#refused(error, { topic, key, value, origin: 'broker' }, context) === 'retry')
        throw retryRequested(topic, error)
    }
  }

  /** Sends the parked records. Called when every topic among `parkedTopics` is known. */
  sendParked(): void {
    for (const { topic, record, bytes, partitioner } of this.#parked.splice(0))
      this.#sendOrPark({ topic, record, bytes, partitioner })
  }

  /** Forgets what belongs to an epoch that was aborted. */
  reset(): void {
    this.#parked = []
    this.hasSent = false
  }

  /** Sets the source of the context of the record being processed, for error handlers. */
  attach(recordContext: () => RecordContext): void {
    this.#recordContext = recordContext
  }

  sendDeadLetters(
    answer: HandlerAnswer<string>,
    error: Error,
    context: ErrorHandlerContext,
    reason: LetterReason,
  ): void {
    const { applicationId, deadLetterQueueTopic, nowMs } = this.#options
    const given = { applicationId, topic: deadLetterQueueTopic, nowMs, reason }
    for (const letter of deadLettersOf(answer, error, context, given)) {
      const { topic, key, value, timestamp, headers } = letter
      this.#letterTopics.add(topic)
      const record = new Record(key, value, Math.max(0, timestamp))
      this.#sendOrPark({ topic, record, bytes: { key, value, headers }, partitioner: undefined })
    }
  }

  /** Sends the letter of an operator, to the task's own partition. */
  sendLetter(topic: string, letter: LetterRecord): void {
    this.sendOwn({ ...letter, topic, partition: parseTaskId(this.#options.taskId).partition })
  }

  /** Sends what is the application's own: where it is refused there is no dead letter of it. */
  sendOwn(record: OutgoingRecord): void {
    this.#letterTopics.add(record.topic)
    this.sendBytes(record)
  }

  #sendOrPark(record: ParkedRecord): void {
    const count = this.#options.partitionCounts(record.topic)
    if (count === undefined) this.#park(record)
    else this.#route(record.topic, record.record, record.bytes, record.partitioner, count)
  }

  #park(record: ParkedRecord): void {
    this.hasSent = true
    this.#parked.push({ ...record, context: this.#recordContext?.() })
  }

  #route(
    topic: string,
    record: Record<unknown, unknown>,
    bytes: Serialized,
    partitioner: StreamPartitioner | undefined,
    count: number,
  ): void {
    const { timestamp } = record
    const { key, value, headers } = bytes
    const chosen = this.#choosePartition(topic, record, key, count, partitioner)
    if (typeof chosen === 'number') {
      this.sendBytes({ topic, partition: chosen, key, value, timestamp, headers })
      return
    }
    // A list of partitions was chosen; where it is empty, the record is dropped, and counted.
    if (chosen.length === 0) this.#options.dropped.add()
    for (const partition of chosen) this.sendBytes({ topic, partition, key, value, timestamp, headers })
  }

  sendBytes(record: OutgoingRecord): void {
    this.hasSent = true
    if (this.#refusals.any && !this.#isWanted(record)) return
    this.#options.sink.send(record, this)
  }

  /** Sends bytes that are valid only until it returns. */
  sendTransient(record: OutgoingRecord): void {
    if (this.#options.sink.copies) return this.sendBytes(record)
    const { key, value } = record
    this.sendBytes({ ...record, key: key && copyBytes(key), value: value && copyBytes(value) })
  }

  recordContext(): RecordContext {
    return present(this.#recordContext, 'record context')()
  }

  refused(error: BrokerError, record: OutgoingRecord, context: RecordContext): void {
    // A changelog record must not be left out alone: the store would differ from its changelog.
    if (this.#refusals.isChangelog(record.topic)) throw error
    if (this.#refusedByBroker(error, record, context) === 'retry') throw retryRequested(record.topic, error)
  }

  /** Whether a record is to be sent: false where one like it was refused before, and the handler drops it. */
  #isWanted(record: OutgoingRecord): boolean {
    const error = this.#refusals.take(record)
    return !error || this.#refusedByBroker(error, record, this.recordContext()) === 'retry'
  }

  #refusedByBroker(
    error: Error,
    { topic, key, value }: OutgoingRecord,
    context: RecordContext,
  ): 'continue' | 'retry' {
    // The handler gets copies: memory of bytes that were serialised in passing is soon used again.
    const bytes = { key: key && copyBytes(key), value: value && copyBytes(value) }
    return this.#refused(error, { topic, ...bytes, origin: 'broker' }, context)
  }

  /** Serialises a record. `transient`: the bytes are used before anything else is serialised. */
  #serialize(
    topic: string,
    record: Record<unknown, unknown>,
    format: OutputFormat,
    transient: boolean,
  ): Serialized | undefined {
    const hasHeaders = record.headerList.length > 0
    const context = hasHeaders ? { topic, headers: record.headers } : this.#contextOf(topic)
    let origin: 'key' | 'value' = 'key'
    try {
      const key = bytesOf(format.keySerde, record.key, context, transient)
      origin = 'value'
      const value = bytesOf(format.valueSerde, record.value, context, transient)
      return { key, value, headers: hasHeaders ? record.headerList : addedHeaders(context.headers) }
    } catch (cause) {
      const error = errorFrom(cause)
      const { key, value } = record
      if (this.#refused(error, { topic, origin, key, value }, this.#recordContext?.()) === 'retry')
        throw retryRequested(topic, error)
      return undefined
    }
  }

  #contextOf(topic: string): { readonly topic: string; readonly headers: Headers } {
    if (this.#bareContext?.topic !== topic) this.#bareContext = { topic, headers: new Headers() }
    return this.#bareContext
  }

  #choosePartition(
    topic: string,
    record: Record<unknown, unknown>,
    key: Uint8Array | null,
    count: number,
    partitioner: StreamPartitioner | undefined,
  ): number | readonly number[] {
    if (partitioner !== undefined && key !== null && isByBytes(partitioner)) {
      return partitioner.ofBytes(key, count)
    }
    const chosen = partitioner?.(record.value, record.key, topic, count)
    if (chosen !== undefined) return checkedPartitions(topic, chosen, count)
    if (key !== null) return count === 1 ? 0 : partitionForKey(key, count)
    this.#unkeyed += 1
    return Math.floor(this.#unkeyed / UNKEYED_RUN) % count
  }

  #refused(
    error: Error,
    { topic, origin, key, value }: Pick<ProductionErrorContext, 'topic' | 'origin' | 'key' | 'value'>,
    context: RecordContext | undefined,
  ): 'continue' | 'retry' {
    const { taskId } = this.#options
    const input = context && this.#input(context)
    const what = origin === 'broker' ? 'was refused by the broker' : `could not be serialised (${origin})`
    const from = input ? `, made from record ${input.topic}-${input.partition}@${input.offset}` : ''
    const answer = askHandler(
      this.#options.onProductionError,
      error,
      { taskId, topic, origin, key, value, input },
      {
        handler: 'productionErrorHandler',
        answers: PRODUCTION_ANSWERS,
        place: `a record of task ${taskId} for topic "${topic}"${from} ${what}`,
      },
    )
    if (input && !this.#letterTopics.has(topic)) this.sendDeadLetters(answer, error, input, 'unwritable')
    const decision = answerOf(answer)
    if (decision === 'continue') this.#options.dropped.add()
    if (decision !== 'fail') return decision
    throw new RecordFailedError(
      'PRODUCTION_FAILED',
      `a record for topic "${topic}" ${what}: ${error.message}. Set productionErrorHandler to drop such records.`,
      { cause: error },
    )
  }

  #input({ topic, partition, offset, timestamp, headers, source }: RecordContext): ErrorHandlerContext {
    const { taskId } = this.#options
    return { taskId, nodeName: undefined, topic, partition, offset, timestamp, headers, source }
  }
}

/** An error whose class sends the tasks back to their last commit, to repeat the records since. */
function retryRequested(topic: string, error: Error): BrokerError {
  return new BrokerError(
    'RETRY_REQUESTED',
    'abortable',
    `a record for topic "${topic}" was refused, and productionErrorHandler asks for another try: ${error.message}`,
    { cause: error },
  )
}

function bytesOf(
  serde: Serde<unknown>,
  value: unknown,
  context: SerdeContext,
  transient: boolean,
): Uint8Array | null {
  if (value === null || value === undefined) return null
  const bytes = transient ? serializeTransient(serde, value, context) : serde.serialize(value, context)
  // A serde of user code may return something else than bytes.
  if (!ArrayBuffer.isView(bytes)) throw notBytes(serde.name, bytes, context)
  return bytes
}

/** Whether the partitioner decides by the key's bytes, which are at hand. */
function isByBytes(partitioner: StreamPartitioner): partitioner is BytesPartitioner {
  return (partitioner as Partial<BytesPartitioner>).ofBytes !== undefined
}

function addedHeaders(seen: Headers): readonly Header[] {
  const added = seen.toArray()
  if (added.length > 0) seen.clear()
  return added
}

function checkedPartitions(
  topic: string,
  chosen: number | readonly number[],
  count: number,
): number | readonly number[] {
  if (isPromise(chosen)) {
    throw refusedPromise(chosen, {
      who: `the partitioner for topic "${topic}" returned`,
      advice: 'put what takes time into mapValuesAsync above, and let it choose by the result',
    })
  }
  for (const partition of Array.isArray(chosen) ? (chosen as readonly number[]) : [chosen as number]) {
    if (Number.isInteger(partition) && partition >= 0 && partition < count) continue
    throw new StreamsError(
      'INVALID_PARTITION',
      `the partitioner chose partition ${String(partition)} of topic "${topic}", which has partitions 0 to ${count - 1}: let it return ` +
        'one of them, an array of them, or undefined for the default',
    )
  }
  return chosen
}
