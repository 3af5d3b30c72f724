import type { NativeSettings } from '../settings/client-settings.ts'
/**
 * The callback API of `@confluentinc/kafka-javascript` 1.10.1, as far as the adapter uses it. The package's
 * own declarations lack `incrementalAssign`, `assignmentLost`, `queue_non_empty_cb` and others. Its error
 * objects are `NativeError` everywhere.
 */
export interface NativeModule {
  // A second argument, even an empty one, would put all topic settings back to their defaults,
  // `auto.offset.reset` for one.
  readonly KafkaConsumer: new (settings: NativeSettings) => NativeConsumer
  readonly Producer: new (settings: NativeSettings) => NativeProducer
  /** Makes an admin handle of a connected client, which its owner has to disconnect. */
  readonly AdminClient: { createFrom(client: NativeClient): NativeAdmin }
  readonly librdkafkaVersion: string
}

/** `code` is a number of librdkafka: negative ones are its own, positive ones Kafka's. */
export interface NativeError extends Error {
  readonly code: number
  readonly isFatal?: boolean
  readonly isRetriable?: boolean
  readonly isTxnRequiresAbort?: boolean
}

export type NativeCallback<T = unknown> = (error: NativeError | null | undefined, result: T) => void

export interface NativePartition {
  readonly topic: string
  readonly partition: number
  readonly offset?: number
  readonly metadata?: string | null
  readonly error?: NativeError
}

export interface NativeMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  /** Bytes of key and value. */
  readonly size: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly { readonly [key: string]: Buffer }[]
}

export interface NativeClient {
  connect(options: { allTopics: boolean; timeout: number }, callback: NativeCallback): void
  isConnected(): boolean
  on(event: 'event.error', listener: (error: NativeError) => void): void
  on(event: 'error', listener: (error: Error) => void): void
}

export interface NativeConsumer extends NativeClient {
  on(event: 'event.error', listener: (error: NativeError) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'partition.eof', listener: (end: NativePartition) => void): void
  setDefaultConsumeTimeout(timeoutMs: number): void
  consume(count: number, callback: NativeCallback<readonly NativeMessage[]>): void
  subscribe(topics: readonly string[]): void
  unsubscribe(): void
  assignments(): readonly NativePartition[]
  assignmentLost(): boolean
  incrementalAssign(partitions: readonly NativePartition[]): void
  incrementalUnassign(partitions: readonly NativePartition[]): void
  unassign(): void
  pause(partitions: readonly NativePartition[]): void
  resume(partitions: readonly NativePartition[]): void
  commit(offsets: readonly NativePartition[]): void
  /** The offsets are -1001 before the first fetch. */
  getWatermarkOffsets(topic: string, partition: number): { lowOffset: number; highOffset: number }
  disconnect(callback: NativeCallback): void
}

export interface DeliveryReport {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly timestamp: number
  /** Bytes of the value. */
  readonly size: number
}

export interface NativeProducer extends NativeClient {
  on(event: 'event.error', listener: (error: NativeError) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(
    event: 'delivery-report',
    listener: (error: NativeError | null | undefined, report: DeliveryReport) => void,
  ): void
  /** Statistics as JSON, every `statistics.interval.ms`. */
  on(event: 'event.stats', listener: (stats: { readonly message: string }) => void): void
  produce(
    topic: string,
    partition: number,
    value: Uint8Array | null,
    key: Uint8Array | null,
    timestamp: number,
    opaque?: undefined,
    headers?: readonly { readonly [key: string]: Uint8Array }[],
  ): void
  setPollInBackground(on: boolean): void
  flush(timeoutMs: number, callback: NativeCallback): void
  initTransactions(timeoutMs: number, callback: NativeCallback): void
  beginTransaction(callback: NativeCallback): void
  sendOffsetsToTransaction(
    offsets: readonly NativePartition[],
    consumer: NativeConsumer,
    timeoutMs: number,
    callback: NativeCallback,
  ): void
  commitTransaction(timeoutMs: number, callback: NativeCallback): void
  abortTransaction(timeoutMs: number, callback: NativeCallback): void
  disconnect(flushTimeoutMs: number, callback: NativeCallback): void
}

export interface NativeTopic {
  readonly name: string
  readonly error?: NativeError
  /** All zeros where the broker has no topic ids. */
  readonly topicId?: { readonly base64: string }
  readonly partitions: readonly { readonly partition: number; readonly leader?: unknown }[]
}

export interface NativeGroup {
  readonly groupId: string
  readonly error?: NativeError
  /** The state: 0 unknown, 1 and 2 rebalancing, 3 stable, 4 dead, 5 empty. */
  readonly state: number
  readonly members: readonly {
    readonly memberId: string
    readonly clientId: string
    readonly assignment?: { readonly topicPartitions?: readonly NativePartition[] }
  }[]
}

type Timeout = { readonly timeout: number }

/** An admin handle. `disconnect` is synchronous and must not be called during another call. */
export interface NativeAdmin {
  on(event: 'event.error', listener: (error: NativeError) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  disconnect(): void
  listTopics(options: Timeout, callback: NativeCallback<readonly string[]>): void
  describeTopics(
    topics: readonly string[],
    options: Timeout,
    callback: NativeCallback<readonly NativeTopic[]>,
  ): void
  createTopic(
    topic: {
      readonly topic: string
      readonly num_partitions: number
      readonly replication_factor: number
      readonly config?: { readonly [name: string]: string }
    },
    timeoutMs: number,
    callback: NativeCallback,
  ): void
  deleteTopic(topic: string, timeoutMs: number, callback: NativeCallback): void
  /** `offset.timestamp`: -1 latest, -2 earliest. `isolationLevel`: 0 read_uncommitted, 1 read_committed. */
  listOffsets(
    partitions: readonly {
      readonly topic: string
      readonly partition: number
      readonly offset: { readonly timestamp: number }
    }[],
    options: Timeout & { readonly isolationLevel: number },
    callback: NativeCallback<readonly NativePartition[]>,
  ): void
  deleteRecords(
    before: readonly NativePartition[],
    options: Timeout & { readonly operationTimeout: number },
    callback: NativeCallback<readonly NativePartition[]>,
  ): void
  listConsumerGroupOffsets(
    groups: readonly { readonly groupId: string; readonly partitions?: readonly NativePartition[] }[],
    options: Timeout & { readonly requireStableOffsets: boolean },
    callback: NativeCallback<
      readonly { readonly error?: NativeError; readonly partitions: readonly NativePartition[] }[]
    >,
  ): void
  describeGroups(
    groups: readonly string[],
    options: Timeout,
    callback: NativeCallback<{ readonly groups: readonly NativeGroup[] }>,
  ): void
  deleteGroups(
    groups: readonly string[],
    options: Timeout,
    callback: NativeCallback<readonly { readonly error?: NativeError }[]>,
  ): void
}
