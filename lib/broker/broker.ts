import type { Header } from '../common/headers.ts'
import type { SourceInBuffer } from '../common/record-context.ts'
import type { BrokerError } from './broker-error.ts'

/**
 * The port to a Kafka cluster, or to something that behaves like one. The runtime sees these types and
 * `BrokerError` only. Every promise rejects with a `BrokerError`. The contract is the suite
 * `test/conformance/broker.ts`, which every adapter passes.
 */
export interface Broker {
  /** For messages: `embedded`, `memory` or the bootstrap addresses. */
  readonly name: string
  /**
   * Whom the brokers take us for, as their ACLs name it: `User:alice`. Undefined where nobody asks, or only
   * the brokers know.
   */
  readonly principal?: string | undefined
  consumer(options: ConsumerOptions): Promise<Consumer>
  producer(options: ProducerOptions): Promise<Producer>
  admin(): Promise<Admin>
  /** Closes what this object opened; consumers and producers are their owners' to close, before. */
  close(): Promise<void>
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number
}

export interface OffsetToCommit extends TopicPartitionOffset {
  readonly metadata?: string
}

/**
 * A record as it lies in the log. `key` and `value` may be slices of a larger buffer: forward them, copy to
 * keep them.
 */
export interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly offset: number
  readonly headers: readonly Header[]
}

/**
 * A record that lies in a larger buffer. Who can read it from there spares the slices, which `key` and
 * `value` make at each call.
 */
export interface RecordInBuffer extends RawRecord, SourceInBuffer {}

/**
 * Records of one partition, by rising offset; offsets may leave gaps (markers, compaction, aborted records).
 */
export interface RecordBatch extends TopicPartition {
  readonly records: readonly RawRecord[]
  /** The consumer's position after this batch: past the last record and past anything skipped behind it. */
  readonly nextOffset: number
}

export interface OutgoingRecord extends TopicPartition {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Milliseconds since the epoch, not negative. */
  readonly timestamp: number
  readonly headers: readonly Header[]
}

export type IsolationLevel = 'read_committed' | 'read_uncommitted'

export interface ConsumerOptions {
  readonly clientId: string
  readonly isolation: IsolationLevel
  /** Without it the consumer only reads what it is told to (`assign`): restore, global tables. */
  readonly group?: GroupOptions
  /**
   * Bound on what is fetched ahead of `poll`, over all partitions; and on what of it is decompressed at a
   * time, what one `poll` hands out included, but for a batch that is larger by itself. Default 32 MiB.
   */
  readonly queuedBytesMax?: number
}

export interface GroupOptions {
  readonly groupId: string
  /** Default 6,000 (`classic`); the broker decides with `consumer`. */
  readonly sessionTimeoutMs?: number
  /**
   * Longest time between two `poll` or `ready` calls before the member is considered stuck. Default 300,000.
   */
  readonly pollIntervalMsMax?: number
  /**
   * `classic`: cooperative-sticky. `consumer`: KIP-848 with the broker's `uniform` assignor. Default
   * `classic`.
   */
  readonly protocol?: 'classic' | 'consumer'
}

/**
 * What a group tells its member. Rebalances are incremental: the arguments are the partitions that come or
 * go, never the whole assignment. The partitions named by `revoked` stay owned until the returned promise
 * settles; those of `lost` belong to somebody else already, so nothing may be committed for them. Calls never
 * overlap. A rejected promise is an error of the consumer: the next `poll` throws it.
 */
export interface AssignmentListener {
  assigned(partitions: readonly TopicPartition[]): void | Promise<void>
  revoked(partitions: readonly TopicPartition[]): void | Promise<void>
  lost(partitions: readonly TopicPartition[]): void | Promise<void>
}

/**
 * Two things in one handle, kept apart: *ownership* (`subscribe`: which partitions of the subscribed topics
 * are this member's) and *reading* (`assign`: which partitions are fetched, from where). Owning does not
 * read: the runtime assigns the owned partition, and the other sources of its task, once the task's state is
 * restored.
 */
export interface Consumer {
  /** Joins the group. Once per consumer; needs `group`. */
  subscribe(topics: readonly string[], listener: AssignmentListener): void
  /** What the group gave us and has not taken back. */
  owned(): readonly TopicPartition[]

  /**
   * Starts reading these partitions at these offsets, or moves them there; others are untouched. Forgets what
   * was fetched of them.
   */
  assign(positions: readonly TopicPartitionOffset[]): void
  /** Stops reading them; no record of theirs comes out of `poll` afterwards. */
  unassign(partitions: readonly TopicPartition[]): void
  /** Their records stay in the consumer, within its bound, until `resume`. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void

  /**
   * What has been fetched, at most `maxRecords` in all; never waits. Every assigned partition gets its turn.
   * A batch without records may come to move `nextOffset` on (markers, aborted records). Throws
   * `OFFSET_OUT_OF_RANGE` (with `partitions`, and their `divergingOffset` where a log was cut and the broker
   * tells where) once for each such assignment, and what else the client found since the last call.
   */
  poll(maxRecords: number): readonly RecordBatch[]
  /**
   * Resolves when `poll` has something, when a listener call is pending, or after the timeout. Drives
   * liveness, too.
   */
  ready(timeoutMs: number): Promise<void>
  /** The offset the next record polled will have at least; undefined if not assigned. */
  position(partition: TopicPartition): number | undefined
  /**
   * The end (read_committed: last stable offset) seen with the last fetch of an assigned partition; undefined
   * before the first.
   */
  knownEnd(partition: TopicPartition): number | undefined

  /**
   * Committed offsets of the group, by `partitionKey`; partitions without one are absent. Waits while a
   * transaction that has sent offsets for one of them is undecided (`require_stable`, KIP-447), at most
   * `timeoutMs` (default 60,000), then rejects with the retriable `UNSTABLE_OFFSET_COMMIT`.
   */
  committed(
    partitions: readonly TopicPartition[],
    options?: { readonly timeoutMs?: number },
  ): Promise<ReadonlyMap<string, OffsetToCommit>>
  /** Resolves with the broker's answer. A member that is no longer current is refused (`task-migrated`). */
  commit(offsets: readonly OffsetToCommit[]): Promise<void>

  /** Leaves the group. The listener is not called any more: commit and close tasks before. Idempotent. */
  close(): Promise<void>
}

export interface ProducerOptions {
  readonly clientId: string
  /** Makes the producer transactional: call `initTransactions` first. */
  readonly transactionalId?: string
  /** Default 10,000. The broker aborts a transaction that stays open longer. */
  readonly transactionTimeoutMs?: number
  /**
   * Asked for a record that the broker refused for good. `continue` forgets the record, `fail` (the default
   * without a handler) makes the next `flush` or `commitTransaction` reject. Inside a transaction some
   * refusals abort it whatever the answer.
   */
  readonly onSendError?: (error: BrokerError, record: RejectedRecord) => 'continue' | 'fail'
}

/** What is still known of a record when the broker has refused it. */
export interface RejectedRecord extends TopicPartition {
  /** Only valid until the handler returns. */
  readonly key: Uint8Array | null
  readonly timestamp: number
  /** Length of the value; 0 for a tombstone too. */
  readonly valueBytes: number
}

export interface Producer {
  /**
   * Takes the bytes; they must not change until the next `flush` or commit. Never refuses for a full queue:
   * look at `writable` before the next input record. Throws a `BrokerError` where the client refuses at once
   * (`record-refused`). A transactional producer needs `begin` before.
   */
  send(record: OutgoingRecord): void
  /** `send` is done with the bytes when it returns: they may change at once. */
  readonly copies?: boolean
  readonly writable: boolean
  /** Resolves when `writable` is true again. */
  drained(): Promise<void>
  /**
   * Resolves when every record sent before is acknowledged; rejects if any since the last flush was refused.
   */
  flush(): Promise<void>

  /** Fences every older producer of this transactional id and ends its transaction. Once, before `begin`. */
  initTransactions(): Promise<void>
  begin(): Promise<void>
  /**
   * Adds offsets of the consumer's group, under its present membership: a member that is no longer current is
   * refused (`task-migrated`).
   */
  sendOffsets(offsets: readonly OffsetToCommit[], consumer: Consumer): Promise<void>
  /**
   * What is sent from now on belongs to the next transaction, and goes out after the next `begin`;
   * `sendOffsets`, `commitTransaction` and `flush` do not concern it, an abort drops it. Absent where records
   * cannot be taken while a transaction is being committed.
   */
  sendAhead?(): void
  /**
   * Flushes and commits. On a `retriable` error call it again; on `abortable` and `task-migrated` abort; on
   * `fenced` and `fatal` close.
   */
  commitTransaction(): Promise<void>
  abortTransaction(): Promise<void>

  /** Does not commit and does not wait for what was not flushed. Idempotent. */
  close(): Promise<void>
}

export interface TopicDescription {
  readonly topic: string
  readonly partitionCount: number
  /**
   * Another one for a topic that was deleted and made again, and for one of another cluster (KIP-516);
   * undefined where the broker gives none.
   */
  readonly topicId?: string | undefined
  /** The settings that the adapter can read: undefined where it cannot. */
  readonly config?: { readonly [name: string]: string }
}

export interface NewTopic {
  readonly topic: string
  readonly partitionCount: number
  /** -1: the broker's default, which is the default here. */
  readonly replicationFactor?: number
  /** Kafka's topic settings: `cleanup.policy`, `retention.ms`, … */
  readonly config?: { readonly [name: string]: string }
}

export interface GroupDescription {
  readonly groupId: string
  readonly state: 'empty' | 'rebalancing' | 'stable' | 'dead' | 'unknown'
  readonly members: readonly {
    readonly memberId: string
    readonly clientId: string
    readonly partitions: readonly TopicPartition[]
  }[]
}

export interface Admin {
  listTopics(): Promise<readonly string[]>
  /** By name; topics that do not exist are absent. */
  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>
  /**
   * What these settings of topics are, defaults included, by topic and name. Topics whose settings cannot be
   * had are absent: those that do not exist, those that we may not describe, and all where the adapter has no
   * way to ask.
   */
  topicSettings(
    topics: readonly string[],
    names: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>>
  /** All must be new: else `TOPIC_ALREADY_EXISTS`. Resolves when they can be written to. */
  createTopics(topics: readonly NewTopic[]): Promise<void>
  deleteTopics(topics: readonly string[]): Promise<void>
  /** First offsets, by `partitionKey`. */
  beginningOffsets(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, number>>
  /** `read_committed`: the last stable offset; `read_uncommitted`: the high watermark. */
  endOffsets(
    partitions: readonly TopicPartition[],
    isolation: IsolationLevel,
  ): Promise<ReadonlyMap<string, number>>
  /** Deletes everything before these offsets. */
  deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void>
  /** Committed offsets of a group, without waiting for stability. */
  groupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, OffsetToCommit>>
  describeGroup(groupId: string): Promise<GroupDescription>
  deleteGroup(groupId: string): Promise<void>
  close(): Promise<void>
}
