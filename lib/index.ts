export type * from './broker/broker.ts'
export { BrokerError, type BrokerErrorClass } from './broker/broker-error.ts'
export { openBroker, type OpenBrokerOptions } from './broker/open/open-broker.ts'
export type { OpenedBroker } from './broker/open/opened-broker.ts'
export type * from './broker/open/topic-handle.ts'
export { systemClock, type Clock, type Timer } from './common/clock.ts'
export * from './common/errors/errors.ts'
export { currentRecord } from './common/context/current-record.ts'
export { Headers, type Header } from './common/headers.ts'
export type { TaskId } from './common/ids.ts'
export { consoleLogger, silentLogger, type Logger, type LogLevel } from './common/logger.ts'
export type { Counter } from './common/metrics/meter.ts'
export {
  Metrics,
  type HistogramSample,
  type MetricSample,
  type RecordingLevel,
} from './common/metrics/metrics.ts'
export {
  exponentialBackoff,
  fixedBackoff,
  type Backoff,
  type ExponentialBackoffOptions,
  type FixedBackoffOptions,
} from './common/backoff.ts'
export { systemRandom, type Random } from './common/random.ts'
export { partitionForKey } from './common/hash/murmur2.ts'
export type { RecordContext } from './common/record-context.ts'
export type { TracedOperation, Tracer } from './common/context/tracer.ts'
export type { IndexedKey } from './serde/indexed-key.ts'
export { UNLIMITED_END_MS, type TimeWindow, type Windowed } from './common/windowed.ts'
export type * from './dsl/options/async-functions.ts'
export type { AsyncOptions } from './dsl/options/async-options.ts'
export type {
  CircuitOptions,
  FailedAttempt,
  RetryDecision,
  RetryOptions,
  RetryOrder,
} from './dsl/options/retry-options.ts'
export type { DeduplicateOptions } from './dsl/options/deduplicate-options.ts'
export type * from './dsl/options/gather-options.ts'
export type { BuildOptions, Optimization } from './dsl/options/build-options.ts'
export type * from './dsl/api/kstream.ts'
export type * from './dsl/options/functions.ts'
export type * from './dsl/options/options.ts'
export type { ChannelsOptions } from './dsl/options/channels-options.ts'
export { StreamsBuilder } from './dsl/methods/streams-builder.ts'
export * from './dsl/options/suppressed.ts'
export type { EmitStrategy } from './dsl/windows/emit-strategy.ts'
export type { QueryableTable } from './dsl/api/queryable-table.ts'
export {
  nextFire,
  type IntervalDefinition,
  type OnceDefinition,
  type ScheduleDefinition,
} from './dsl/schedule/next-fire.ts'
export type { ScheduleSinkOptions, SchedulesOptions } from './dsl/schedule/add-schedule.ts'
export type { Firing, ScheduleOptions, SchedulePolicyOptions } from './dsl/schedule/schedule-options.ts'
export type { CronDefinition } from './dsl/schedule/cron-times.ts'
export { joinWindows, type JoinWindows, type JoinWindowsOptions } from './dsl/windows/join-windows.ts'
export { sessionWindows, type SessionWindows } from './dsl/windows/session-windows.ts'
export { slidingWindows, type SlidingWindows } from './dsl/windows/sliding-windows.ts'
export { timeWindows, type TimeWindows } from './dsl/windows/time-windows.ts'
export { unlimitedWindows, type UnlimitedWindows } from './dsl/windows/unlimited-windows.ts'
export type {
  CommandOptions,
  ControlClient,
  ListedCommand,
  ListedEvent,
  ListedTarget,
} from './patterns/control/control-client.ts'
export { deriveStore, type DerivedStoreOptions } from './patterns/key-value/derive-store.ts'
export { VersionConflictError } from './patterns/key-value/key-value-error.ts'
export { addKeyValueWriter } from './patterns/key-value/key-value-writer.ts'
export type { RowChange, StoreRow } from './patterns/key-value/row-map.ts'
export type { TopicStoreOptions } from './patterns/key-value/store-options.ts'
export type { TopicStore, WriteOptions } from './patterns/key-value/topic-store.ts'
export { openOutbox, type Outbox, type OutboxState } from './patterns/outbox/outbox.ts'
export type { OutboxOptions, OutboxRecord } from './patterns/outbox/outbox-options.ts'
export { outboxTableSql, type OutboxRow } from './patterns/outbox/outbox-table.ts'
export type {
  PostgresAccess,
  PostgresClient,
  PostgresPool,
  PostgresResult,
} from './patterns/postgres/postgres-pool.ts'
export { postgresTarget, type PostgresTargetOptions } from './patterns/upserts/postgres-target.ts'
export { addUpsertSink, type UpsertSinkOptions } from './patterns/upserts/upsert-sink.ts'
export { UpsertRowError } from './patterns/upserts/upsert-row-error.ts'
export type * from './patterns/upserts/upsert-target.ts'
export type { LetterTarget, OperatorTarget } from './patterns/control/control-targets.ts'
export type { DeadLetters, ListedLetter } from './patterns/letters/dead-letters.ts'
export type { LetterFilter } from './patterns/letters/letter-filter.ts'
export type { LedgerEntry } from './patterns/letters/letter-ledger.ts'
export type { LetterActionOptions, LetterActionResult, ReplayOptions } from './patterns/letters/letter-run.ts'
export type { ScheduleClient } from './patterns/schedules/schedule-client.ts'
export type { ListedSchedule } from './patterns/schedules/schedule-reader.ts'
export type { ScheduleRequest } from './patterns/schedules/schedule-requests.ts'
export type { OrderNote } from './dsl/schedule/schedule-order.ts'
export type { SchedulePolicy, ScheduleTarget } from './store/operator/schedule-state.ts'
export * from './processor/error-handlers.ts'
export {
  readLetter,
  type ErrorSummary,
  type Letter,
  type LetterReason,
  type LetterRecord,
} from './processor/letter.ts'
export type { WaitingRecord } from './processor/deferred-work.ts'
export { NonRetriableError, RetryAfterError } from './processor/retry-errors.ts'
export type * from './processor/processor.ts'
export type * from './processor/processor-context.ts'
export type { ProcessorWrapper } from './processor/processor-wrapper.ts'
export { Record, Record as StreamRecord } from './processor/record.ts'
export type * from './processor/stream-partitioner.ts'
export * from './processor/timestamp-extractor.ts'
export type { ProjectionDefinition } from './projection/projection-version.ts'
export {
  VersionedProjection,
  type BuildingVersion,
  type VersionedProjectionOptions,
} from './projection/versioned-projection.ts'
export {
  readIndex,
  type IndexPageOptions,
  type ReadIndexOptions,
  type ReadOnlyIndex,
} from './projection/read-index.ts'
export {
  StalenessMonitor,
  type ReachedOptions,
  type Staleness,
  type StalenessOptions,
} from './projection/staleness-monitor.ts'
export type { ProcessingGuarantee, RuntimeSettings } from './runtime/plan/settings.ts'
export type { AvroDefinition, AvroSchema, AvroValue } from './serde/avro-schema.ts'
export { RegistryError, type RegistryErrorCode } from './serde/registry/registry-error.ts'
export { SchemaRegistry } from './serde/registry/schema-registry.ts'
export type * from './serde/registry/schema-registry.ts'
export type { RegistryAuth, RegistryClientOptions } from './serde/registry/registry-client.ts'
export type { SubjectNaming } from './serde/registry/subject-name.ts'
export { ClaimCheck, type ClaimCheckOptions } from './serde/claims/claim-check.ts'
export type { PayloadStore } from './serde/claims/payload-store.ts'
export { DirectoryPayloads } from './patterns/payloads/directory-payloads.ts'
export { SerdeError } from './serde/serde-error.ts'
export { SerdePendingError } from './serde/serde-pending-error.ts'
export type { Serde, SerdeContext } from './serde/serde.ts'
export { serdes } from './serde/serdes.ts'
export type * from './store/contract/key-value-store.ts'
export type * from './store/contract/session-store.ts'
export type { StateStore, StoreBuilder } from './store/contract/state-store.ts'
export { stores } from './store/builders/stores.ts'
export type {
  ControlAction,
  ControlCommand,
  ControlEvent,
  ControlledRecord,
} from './store/operator/control-command.ts'
export type { GatheredBatch } from './store/operator/batch-state.ts'
export type { TimerStoreOptions } from './store/operator/timer-store.ts'
export type * from './store/contract/timer-store.ts'
export type * from './store/contract/versioned-key-value-store.ts'
export type * from './store/contract/window-store.ts'
export type { SessionStoreOptions, WindowStoreOptions } from './store/builders/windowed-stores.ts'
export type { StreamsComponents, UncaughtErrorHandler } from './streams/components.ts'
export type { StreamsConfig } from './streams/config.ts'
export { KafkaStreams } from './streams/kafka-streams.ts'
export { openKeyValueStore, startKeyValueStore } from './streams/open-key-value-store.ts'
export type { StoreQueryOptions } from './streams/store-query-options.ts'
export { KeyNotHereError } from './streams/key-not-here-error.ts'
export type { StoreChange } from './streams/store-changes.ts'
export type { KeyOwner, StoreDescription } from './streams/store-description.ts'
export type { InputDescription, TaskDescription } from './streams/task-description.ts'
export type { StreamsState } from './streams/streams-state.ts'
export type { MillraceConfig } from './streams/millrace-config.ts'
export type * from './streams/topology-file.ts'
export { Topology } from './topology/topology.ts'
export type { ProcessorFactory } from './topology/topology-options.ts'
