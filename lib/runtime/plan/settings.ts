import type { RecordingLevel } from '../../common/metrics/metrics.ts'
import type {
  DeserializationErrorHandler,
  ProcessingErrorHandler,
  ProductionErrorHandler,
} from '../../processor/error-handlers.ts'
import type { TimestampExtractor } from '../../processor/timestamp-extractor.ts'
import type { Serde } from '../../serde/serde.ts'
import type { OffsetReset } from '../../topology/plan.ts'
import type { NewTopic } from '../../broker/broker.ts'

export type ProcessingGuarantee = 'at-least-once' | 'exactly-once'

/**
 * Everything an application can set. Users give a part of it (`StreamsConfig`); defaults are in
 * `streams/config.ts`.
 */
export interface RuntimeSettings {
  /**
   * Names the application: its group, its internal topics, its state directory. Letters, digits, `.`, `_`,
   * `-`.
   */
  readonly applicationId: string
  /** Prefix of client ids, for the broker's logs. Default: the application id. */
  readonly clientId: string
  /** Directory for all applications; this one keeps to `<stateDir>/<applicationId>`. Default `.millrace`. */
  readonly stateDir: string
  /**
   * `exactly-once`: results are as if every record had been processed once. `at-least-once`: they may repeat.
   * Default `exactly-once`.
   */
  readonly processingGuarantee: ProcessingGuarantee
  /**
   * How often outputs, state and offsets are committed; under exactly-once output is visible then. Default
   * 100 (exactly-once) or 30,000.
   */
  readonly commitIntervalMs: number
  /** State of all tasks that waits for a commit; more of it asks for one before its time. Default 64 MiB. */
  readonly uncommittedBytesMax: number
  /**
   * Memory for changes that caches hold back, shared evenly by the stores of all tasks of this process; 0:
   * every change is forwarded at once. Default 10 MiB.
   */
  readonly cacheBytesMax: number
  /**
   * Memory for committed values kept for reading, shared evenly by the stores of all tasks of this process.
   * Default 64 MiB.
   */
  readonly readCacheBytesMax: number
  /** One changelog record a key and commit (the default) instead of one a write. */
  readonly changelogCoalescing: boolean
  /**
   * `headers`: tables, aggregates and windowed aggregates keep, with each value, the headers of the record
   * that wrote it (KIP-1271), for readers of their stores and in their changelogs. What operators send does
   * not depend on it. Default `default`.
   */
  readonly dslStoreFormat: 'default' | 'headers'
  /**
   * Headers that tell of a request: a record that a processor makes without one of these gets it from the
   * record being processed. Empty: none. Default `traceparent`, `tracestate`, `baggage` (W3C Trace Context)
   * and `x-request-id`.
   */
  readonly contextHeaders: readonly string[]
  /**
   * `currentRecord()` also in calls of asynchronous operators, and in all that they await, by
   * `AsyncLocalStorage`; on Node 20 this makes every promise of the process slower. Default `false`.
   */
  readonly asyncContext: boolean
  /**
   * `auto` (the default): spans by `@opentelemetry/api` where the program has registered a tracer provider
   * before it starts the application. `off`: none.
   */
  readonly tracing: 'auto' | 'off'
  /** Records of one partition held in its task before the partition is paused. Default 1,000. */
  readonly bufferedRecordsPerPartition: number
  /** Records that one turn of the thread's loop takes up at most. Default 5,000. */
  readonly maxPollRecords: number
  /**
   * How long to wait for a partition that may hold older records: -1 never, 0 (default) for what is known to
   * be on the broker.
   */
  readonly maxTaskIdleMs: number
  /**
   * Default 10,000: what a dead process can hold up the readers of its output for, and its successor, which
   * waits for its offsets to be decided.
   */
  readonly transactionTimeoutMs: number
  /** How long a broker call that may be repeated is repeated. Default 300,000. */
  readonly taskTimeoutMs: number
  /**
   * How long the state of a task that is processed elsewhere stays on this disk after its last use, in case
   * the task comes back. Default 600,000. State that may be the only copy stays for good: that of stores
   * without a changelog, or with one that is missing or empty.
   */
  readonly stateCleanupDelayMs: number
  /** How often the changelogs' ends are asked for; a crash replays at most what came since. Default 5,000. */
  readonly positionIntervalMs: number
  /**
   * How often windowed aggregations that send results at the close look for windows that have closed. 0: with
   * every record. Default 1,000.
   */
  readonly emitIntervalMs: number
  /** How often processed records of repartition topics are deleted. Default 30,000. */
  readonly repartitionPurgeIntervalMs: number
  /**
   * How much longer changelogs of windows and sessions are kept than their stores keep them: for clocks that
   * differ. Default one day.
   */
  readonly windowStoreChangelogAdditionalRetentionMs: number
  /**
   * `info` (the default): clients, threads, latencies from end to end, restores, topics, dropped records.
   * `debug`: also each task, node and operation of a store, which costs something with every record.
   */
  readonly metricsRecordingLevel: RecordingLevel
  /** Rates, means and extremes are over the last one to two samples of this length. Default 30,000. */
  readonly metricsSampleWindowMs: number
  /** How often partition counts of source topics are checked. Default 300,000. */
  readonly metadataIntervalMs: number
  /** Copies of internal topics; -1 (default): the broker's default. */
  readonly replicationFactor: number
  /** How the group divides partitions: `classic` (default) or `consumer` (KIP-848). */
  readonly groupProtocol: 'classic' | 'consumer'
  /**
   * Default 6,000: how soon a dead process is noticed (`classic`). A broker's death costs all tasks of its
   * group's members their assignment where it is shorter than the cluster takes to give a broker up (9 s and
   * more). Longer sessions were tried on a cluster of three: with 10 to 15 s output was not back sooner after
   * a coordinator's death, and later, by the difference, after a process's.
   */
  readonly sessionTimeoutMs: number
  /** Default 300,000: how long processing may keep the thread from polling. */
  readonly pollIntervalMsMax: number
  /**
   * Topics of the application's own that must be there, besides its internal ones. Default: none. Made where
   * they are missing on an embedded or memory broker; on a Kafka cluster a missing one ends the start with
   * `TOPIC_MISSING`.
   */
  readonly topics: readonly NewTopic[]
  /** Where to begin without a committed offset. Default `earliest`. */
  readonly offsetReset: OffsetReset
  /**
   * The log of an input was cut behind what was read of it: a leader was elected that had less
   * (`unclean.leader.election.enable`). `offset-reset` (the default): it goes on where `offsetReset` says,
   * and ends where that is `none`. `diverging-offset`: it goes on where the broker says that the log is no
   * longer what was read (KIP-320), so that nothing is processed twice. Only the direct path (`fetch`) hears
   * where that is; what was cut while the application was stopped goes by `offsetReset`.
   */
  readonly logTruncated: 'offset-reset' | 'diverging-offset'
  /**
   * State is there, but no committed offset for the inputs it came from: they expire when the application is
   * stopped for longer than the brokers keep them (`offsets.retention.minutes`). `fail` (the default): it
   * ends with `OFFSETS_LOST`. `accept`: it begins where `offsetReset` says, with the state as it is; what is
   * read again counts again.
   */
  readonly offsetsLost: 'fail' | 'accept'
  /**
   * The changelog of a store was deleted, or lost its records, and no state on this disk is what they said.
   * `fail` (the default): the application ends with `CHANGELOG_LOST`, since the store would be empty or
   * incomplete. `accept`: it goes on with what the topic holds now.
   */
  readonly changelogLost: 'fail' | 'accept'
  /**
   * A repartition topic was deleted, and is made anew: records in it that were not processed are lost.
   * `continue` (the default): a line at level `error` says which, and the application goes on. `fail`: it
   * ends with `REPARTITION_LOST`.
   */
  readonly repartitionLost: 'continue' | 'fail'
  /**
   * Serde of keys, for sources, sinks and stores that name none. No default: then naming none is an error.
   */
  readonly defaultKeySerde: Serde<unknown> | undefined
  /** Serde of values, likewise. */
  readonly defaultValueSerde: Serde<unknown> | undefined
  /** Takes the time of a record, for sources that name none. Default `failOnInvalidTimestamp`. */
  readonly defaultTimestampExtractor: TimestampExtractor
  /**
   * Where records go that a handler drops, with the error in their headers (KIP-1034). The topic must exist.
   * Default: none.
   */
  readonly deadLetterQueueTopic: string | undefined
  /**
   * A function that is asked about a record that cannot be read, and answers `fail` or `continue`. Default:
   * `failOnError`.
   */
  readonly deserializationErrorHandler: DeserializationErrorHandler
  /**
   * A function that is asked about a record at which a callback threw, and answers `fail`, `continue` or
   * `rollback`. Default: `failOnError`.
   */
  readonly processingErrorHandler: ProcessingErrorHandler
  /**
   * A function that is asked about a record that cannot be written, and answers `fail`, `continue` or
   * `retry`. Default: `failOnError`.
   */
  readonly productionErrorHandler: ProductionErrorHandler
}

/** Serdes for sources, sinks and stores that name none. */
export type DefaultSerdes = Pick<RuntimeSettings, 'defaultKeySerde' | 'defaultValueSerde'>
