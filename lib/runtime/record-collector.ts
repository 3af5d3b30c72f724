import type { OutgoingRecord, Producer } from '../broker/broker.ts'
import { BrokerError } from '../broker/broker-error.ts'
import { errorFrom, RecordFailedError, StreamsError } from '../common/errors.ts'
import { Headers, type Header } from '../common/headers.ts'
import type { TaskId } from '../common/ids.ts'
import type { Counter } from '../common/metrics.ts'
import { partitionForKey } from '../common/murmur2.ts'
import type { ProductionErrorContext, ProductionErrorHandler } from '../processor/error-handlers.ts'
import type { Record } from '../processor/record.ts'
import type { StreamPartitioner } from '../processor/stream-partitioner.ts'
import type { Serde } from '../serde/serde.ts'

/** Where bytes go: the thread's producer, or a test driver. */
export type RecordSink = Pick<Producer, 'send'>

/** Partition counts of output topics: undefined while a topic named record by record is being looked up. */
export type PartitionCounts = (topic: string) => number | undefined

/** How a sink writes. */
export interface OutputFormat {
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly partitioner: StreamPartitioner | undefined
}

export interface RecordCollectorOptions {
  readonly taskId: TaskId
  readonly sink: RecordSink
  readonly partitionCounts: PartitionCounts
  readonly onProductionError: ProductionErrorHandler
  readonly dropped: Counter
}

/** Records without a key go to one partition for so many in a row: batches stay large, and all partitions get their share. */
const UNKEYED_RUN = 64

/** The way out of one task: serialises, chooses the partition, hands over to the producer. */
export class RecordCollector {
  readonly #options: RecordCollectorOptions
  /** Whether anything went out since the last commit: such a task must take part in it. */
  hasSent = false
  #unkeyed = 0

  constructor(options: RecordCollectorOptions) {
    this.#options = options
  }

  send(topic: string, record: Record<unknown, unknown>, format: OutputFormat): void {
    const bytes = this.#serialize(topic, record, format)
    if (!bytes) return
    const { key, value, headers } = bytes
    const { timestamp } = record
    const chosen = this.#choosePartition(topic, record, key, format.partitioner)
    if (typeof chosen === 'number') {
      this.sendBytes({ topic, partition: chosen, key, value, timestamp, headers })
      return
    }
    // The partitioner chose several partitions, or none: then the record is dropped, and counted.
    if (chosen.length === 0) this.#options.dropped.add()
    for (const partition of chosen) this.sendBytes({ topic, partition, key, value, timestamp, headers })
  }

  sendBytes(record: OutgoingRecord): void {
    this.hasSent = true
    try {
      this.#options.sink.send(record)
    } catch (error) {
      if (!(error instanceof BrokerError && error.class === 'record-too-large')) throw error
      const { topic, key, value } = record
      this.#refused(error, { taskId: this.#options.taskId, topic, origin: 'broker', key, value })
    }
  }

  #serialize(topic: string, record: Record<unknown, unknown>, format: OutputFormat) {
    const headers = record.headers
    const context = { topic, headers: headers.size === 0 ? NO_MUTATION : headers }
    let origin: 'key' | 'value' = 'key'
    try {
      const key =
        record.key === null || record.key === undefined
          ? null
          : format.keySerde.serialize(record.key, context)
      origin = 'value'
      const value =
        record.value === null || record.value === undefined
          ? null
          : format.valueSerde.serialize(record.value, context)
      return { key, value, headers: sentHeaders(headers, context.headers) }
    } catch (cause) {
      const { key, value } = record
      this.#refused(errorFrom(cause), { taskId: this.#options.taskId, topic, origin, key, value })
      return undefined
    }
  }

  #choosePartition(
    topic: string,
    record: Record<unknown, unknown>,
    key: Uint8Array | null,
    partitioner: StreamPartitioner | undefined,
  ): number | readonly number[] {
    const count = this.#options.partitionCounts(topic)
    if (count === undefined) {
      throw new StreamsError(
        'UNKNOWN_TOPIC',
        `topic "${topic}", to which a sink of task ${this.#options.taskId} writes, does not exist: create it first`,
      )
    }
    const chosen = partitioner?.(topic, record.key, record.value, count)
    if (chosen !== undefined) return checkedPartitions(topic, chosen, count)
    if (key !== null) return count === 1 ? 0 : partitionForKey(key, count)
    this.#unkeyed += 1
    return Math.floor(this.#unkeyed / UNKEYED_RUN) % count
  }

  #refused(error: Error, context: ProductionErrorContext): void {
    const { topic, origin } = context
    const answer = this.#options.onProductionError(error, context)
    if (answer === 'continue') return this.#options.dropped.add()
    const what = origin === 'broker' ? 'was refused by the broker' : `could not be serialised (${origin})`
    throw new RecordFailedError(
      'PRODUCTION_FAILED',
      `a record for topic "${topic}" ${what}: ${error.message}. Set productionErrorHandler to drop such records.`,
      { cause: error },
    )
  }
}

/** Serdes may add headers; a record without any shares this object, from which nothing is read back unless it grew. */
const NO_MUTATION = new Headers()

function sentHeaders(own: Headers, seen: Headers): readonly Header[] {
  if (own !== seen && seen.size > 0) {
    const added = seen.toArray()
    seen.clear()
    return added
  }
  return own.toArray()
}

function checkedPartitions(
  topic: string,
  chosen: number | readonly number[],
  count: number,
): number | readonly number[] {
  for (const partition of typeof chosen === 'number' ? [chosen] : chosen) {
    if (Number.isInteger(partition) && partition >= 0 && partition < count) continue
    throw new StreamsError(
      'INVALID_PARTITION',
      `the partitioner chose partition ${partition} of topic "${topic}", which has partitions 0 to ${count - 1}`,
    )
  }
  return chosen
}
