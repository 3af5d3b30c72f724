import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { Headers, type Header } from '../../common/headers.ts'
import { partitionKey } from '../../common/ids.ts'
import { partitionForKey } from '../../common/hash/murmur2.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import type {
  Admin,
  Broker,
  IsolationLevel,
  OutgoingRecord,
  RawRecord,
  TopicPartition,
  TopicPartitionOffset,
} from '../broker.ts'
import { readPartitions } from './read-partitions.ts'
import type { SharedProducer } from './shared-producer.ts'

export interface TopicSerdes<K, V> {
  readonly keySerde: Serde<K>
  readonly valueSerde: Serde<V>
}

export interface SendOptions {
  /** Milliseconds. Default: now. */
  readonly timestamp?: number
  readonly headers?: readonly Header[]
  /** Default: by the hash of the key, as Kafka's own producers do; in turn without a key. */
  readonly partition?: number
}

export interface TopicMessage<K, V> extends SendOptions {
  readonly key: K | null
  /** null: a tombstone, which deletes the key from a table or a compacted topic. */
  readonly value: V | null
}

export interface TopicRecord<K, V> extends TopicPartition {
  readonly offset: number
  readonly key: K | null
  readonly value: V | null
  /** Milliseconds. */
  readonly timestamp: number
  readonly headers: Headers
}

export interface ReadOptions {
  /** Where to begin in each partition. Default `earliest`. */
  readonly from?: 'earliest' | 'latest'
  /** Default `read_committed`: records of open and aborted transactions are left out. */
  readonly isolation?: IsolationLevel
  /**
   * Whether to wait for what is still to come; else it ends where the topic ends at the call. Default true.
   */
  readonly follow?: boolean
  /** Ends the reading, as `break` does. */
  readonly signal?: AbortSignal
}

interface TopicHandleOptions<K, V> {
  readonly broker: Broker
  readonly admin: () => Promise<Admin>
  readonly producer: SharedProducer
  readonly clock: Clock
  readonly topic: string
  readonly serdes: TopicSerdes<K, V>
}

/**
 * A topic with its types, to write to and to read from outside of a topology: what
 * `broker.topic(name, serdes)` returns.
 */
export class TopicHandle<K, V> {
  readonly topic: string
  readonly #options: TopicHandleOptions<K, V>
  readonly #context: SerdeContext
  #partitionCount: Promise<number> | undefined
  #asking:
    { readonly partitions: Set<number>; readonly answer: Promise<ReadonlyMap<string, number>> } | undefined
  /** The partition that the last record without a key was sent to. */
  #turn = 0

  constructor(options: TopicHandleOptions<K, V>) {
    this.topic = options.topic
    this.#options = options
    this.#context = { topic: options.topic }
  }

  /**
   * Sends a record. Resolves when the brokers have acknowledged it; records of one turn of the event loop are
   * sent together, and an error of one rejects all. Rejects with `TOPIC_MISSING`, and with errors of serdes
   * and brokers.
   */
  async send(key: K | null, value: V | null, options: SendOptions = {}): Promise<void> {
    const record = this.#outgoing({ ...options, key, value }, await this.#partitions())
    await this.#options.producer.send(record)
  }

  /**
   * As `send`; resolves with a place in the topic at which the record, or a later one of its partition, lies:
   * whoever has seen that has seen the record, so that a reader can wait for it (`StalenessMonitor.reached`).
   */
  async put(key: K | null, value: V | null, options: SendOptions = {}): Promise<TopicPartitionOffset> {
    const record = this.#outgoing({ ...options, key, value }, await this.#partitions())
    await this.#options.producer.send(record)
    const { topic, partition } = record
    const ends = await this.#endsAfter(partition)
    return { topic, partition, offset: (ends.get(partitionKey(topic, partition)) ?? 1) - 1 }
  }

  /** Sends all messages with back-pressure. Resolves with their number when the last is acknowledged. */
  async sendAll(messages: Iterable<TopicMessage<K, V>> | AsyncIterable<TopicMessage<K, V>>): Promise<number> {
    const partitionCount = await this.#partitions()
    const { producer } = this.#options
    let count = 0
    for await (const message of messages) {
      await producer.take(this.#outgoing(message, partitionCount))
      count += 1
    }
    await producer.acknowledged()
    return count
  }

  /**
   * Reads the records, in order within each partition. There is no group: nothing is committed, and every
   * caller reads all. Leaving the loop ends the reading.
   */
  async *records({
    from = 'earliest',
    isolation = 'read_committed',
    follow = true,
    signal,
  }: ReadOptions = {}): AsyncGenerator<TopicRecord<K, V>, void, undefined> {
    const { broker } = this.#options
    const partitions = Array.from({ length: await this.#partitions() }, (_, partition) => ({
      topic: this.topic,
      partition,
    }))
    const { starts, ends } = await this.#bounds(partitions, from, isolation)
    const begin = (partition: number) => starts.get(partitionKey(this.topic, partition)) ?? 0
    const batches = readPartitions(broker, {
      clientId: `${this.topic}-reader`,
      isolation,
      starts: partitions.map(each => ({ ...each, offset: begin(each.partition) })),
      ...(follow ? {} : { ends }),
      signal,
    })
    for await (const { partition, records } of batches) {
      for (const raw of records) {
        if (signal?.aborted) return
        yield this.#incoming(partition, raw)
      }
    }
  }

  /** The ends of partitions as they are after the call; one question for all that ask in a turn. */
  async #endsAfter(partition: number): Promise<ReadonlyMap<string, number>> {
    if (this.#asking) {
      this.#asking.partitions.add(partition)
      return this.#asking.answer
    }
    const partitions = new Set([partition])
    const ask = async () => {
      const { clock, admin } = this.#options
      await clock.nextTurn()
      this.#asking = undefined
      const { topic } = this
      const asked = [...partitions].map(each => ({ topic, partition: each }))
      return (await admin()).endOffsets(asked, 'read_uncommitted')
    }
    this.#asking = { partitions, answer: ask() }
    return this.#asking.answer
  }

  async #bounds(
    partitions: readonly TopicPartition[],
    from: 'earliest' | 'latest',
    isolation: IsolationLevel,
  ): Promise<{ readonly starts: ReadonlyMap<string, number>; readonly ends: ReadonlyMap<string, number> }> {
    const admin = await this.#options.broker.admin()
    try {
      const ends = await admin.endOffsets(partitions, isolation)
      return { ends, starts: from === 'latest' ? ends : await admin.beginningOffsets(partitions) }
    } finally {
      await admin.close()
    }
  }

  #partitions(): Promise<number> {
    return (this.#partitionCount ??= this.#askPartitions().catch((error: unknown) => {
      // The topic may be created later.
      this.#partitionCount = undefined
      throw error
    }))
  }

  async #askPartitions(): Promise<number> {
    const { broker } = this.#options
    const admin = await broker.admin()
    try {
      const found = (await admin.describeTopics([this.topic])).get(this.topic)
      if (found) return found.partitionCount
      const message = `there is no topic "${this.topic}" at ${broker.name}: create it first, or declare it in the setting "topics" of an application`
      throw new StreamsError('TOPIC_MISSING', message)
    } finally {
      await admin.close()
    }
  }

  #outgoing({ key, value, ...options }: TopicMessage<K, V>, partitionCount: number): OutgoingRecord {
    const { serdes, clock } = this.#options
    const headers = new Headers(options.headers)
    const context = { ...this.#context, headers }
    const keyBytes = key === null ? null : serdes.keySerde.serialize(key, context)
    const valueBytes = value === null ? null : serdes.valueSerde.serialize(value, context)
    const { timestamp = clock.nowMs(), partition = this.#partitionOf(keyBytes, partitionCount) } = options
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitionCount)
      throw new RangeError(
        `topic "${this.topic}" has partitions 0 to ${partitionCount - 1}, and no ${partition}`,
      )
    return {
      topic: this.topic,
      partition,
      key: keyBytes,
      value: valueBytes,
      timestamp,
      headers: headers.toArray(),
    }
  }

  #partitionOf(key: Uint8Array | null, partitionCount: number): number {
    if (key !== null) return partitionForKey(key, partitionCount)
    this.#turn = (this.#turn + 1) % partitionCount
    return this.#turn
  }

  #incoming(partition: number, { key, value, timestamp, offset, headers }: RawRecord): TopicRecord<K, V> {
    const { keySerde, valueSerde } = this.#options.serdes
    const own = new Headers(headers)
    const context = { ...this.#context, headers: own }
    return {
      topic: this.topic,
      partition,
      offset,
      timestamp,
      headers: own,
      key: key === null ? null : keySerde.deserialize(key, context),
      value: value === null ? null : valueSerde.deserialize(value, context),
    }
  }
}
