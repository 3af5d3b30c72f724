/**
 * Codes of errors in writing a program: topologies, settings, serdes, tests. The format is that of
 * `error-codes.ts`.
 */
export const BUILDING_CODES = `
# Topologies

CO_PARTITIONING
  Topics that are joined have different numbers of partitions.
  Put repartition() before the join, or make the topics with equally many.
DERIVATION_CYCLE
  A store is derived from itself, over the stores that the message names.
  Take one of the derivations out: each change would cause itself again.
FORWARD_IN_TRANSFORMER
  A value transformer forwarded a record.
  Return the new value, or use toStream().process(…) for more than one result.
GENERATED_NAME
  ensureExplicitInternalResourceNaming is set, and the message lists names that were generated.
  Give the operators a storeName, and groupings, joins and repartitions a name.
GLOBAL_PROCESSOR
  The processor of a global store did more than fill its store.
  Let it only write to the store; do the rest in the topology.
GLOBAL_STORE_CONNECTED
  A global store was connected to a processor.
  Leave the connection out: every processor may use it.
GLOBAL_TABLE_VERSIONED
  A global table was given a historyRetentionMs.
  Leave it out, or read the topic as a table.
GRACE_ABOVE_HISTORY
  A join waits longer (graceMs) than its table keeps history.
  Make historyRetentionMs at least as long as graceMs.
GRACE_WITHOUT_VERSIONS
  A join has a graceMs, and its table keeps no versions.
  Give the table a historyRetentionMs, or leave graceMs out.
INDEX_KEYS_NOT_ITERABLE
  The selector of reverseIndex returned no iterable of index keys.
  Return an array, [] for a row that stands under none.
INVALID_DURATION
  A duration of a store is no whole number of milliseconds, or is negative.
  Give the setting that the message names such a number.
INVALID_NAME
  A name of a node, or of a new project, has characters that it must not have.
  Use those that the message lists.
INVALID_PROCESSOR
  get() of a supplier returned nothing, or something that has no process(record).
  Return a new processor; a "return" may be missing.
INVALID_STORE_NAME
  A name of a store has characters that it must not have, or is too long.
  Use 1 to 200 letters, digits, dots, underscores and hyphens.
INVALID_SUPPLIER
  A supplier of processors has no get().
  Give an object: { get: () => new MyProcessor() }.
INVALID_SUPPRESSION
  A suppression cannot work on this table: it has no windows that close, or its buffer has no bound.
  Do what the message says of windows and of the buffer.
INVALID_WINDOWS
  Sizes, advances or grace of windows contradict each other, or are missing.
  Give the numbers that the message asks for; graceMs has no default.
KEY_CHANGED
  A processor of processValues forwarded a record with another key.
  Use process, after which records are repartitioned where needed.
NODE_EXISTS
  Two nodes have the same name.
  Give one of the two another name.
NO_PARENT
  A node has no parent.
  Name at least one.
NO_SOURCE
  The topology reads no topic.
  Add a source, or begin with StreamsBuilder.stream or table.
NO_STORE_NAMED
  connectProcessorAndStateStores was called without a store.
  Name at least one.
NOT_A_TIMER_STORE
  A processor asked for the timers of a store of another kind.
  Build the store with stores.timers.
NULL_KEY
  A grouped table got a change without a key.
  Look for what else writes to its repartition topic: the operator never does this.
OFFSET_RESET_DIFFERS
  Two streams of the same topic begin at different places.
  Give both the same offsetReset.
OTHER_BUILDER
  Streams and tables of two builders were joined or merged.
  Make both with the same StreamsBuilder.
OWN_PARENT
  A node names itself as parent.
  Name another one.
PARTITION_COUNTS_DIFFER
  Repartition operators of a join have different numbers of partitions.
  Give both the same partitionCount.
REPARTITIONS_NOT_MERGEABLE
  merge.repartition.topics cannot merge two repartitions behind one change of the key.
  Put repartition() right after the change, or build without this optimisation.
REPARTITION_CYCLE
  Numbers of partitions of repartition topics depend on each other.
  Give one of the operators a partitionCount.
RETENTION_TOO_SHORT
  A window store forgets windows before they end.
  Make retentionMs as long as the message says.
SCHEDULE_NEVER_FIRES
  A schedule has no time: a date that no year has, a field out of its range, an unknown time zone.
  Mend what the message names.
SCHEDULE_SEES_ONE_PARTITION
  A schedule fires once in the application, and an operator below it uses a store of which each task has a part.
  Give the schedule per: 'partition': it fires in every task.
SINK_AS_PARENT
  A node names a sink as parent, which hands nothing on.
  Read the sink's topic with a source.
SOURCE_WITHOUT_TOPICS
  A source, or a global store, names no topic.
  Name one, or give the source a pattern.
SPLIT_ENDED
  A branch was added behind the default branch.
  Add it before.
STORE_EXISTS
  Two stores have the same name.
  Give one of the two another name.
STORE_NEEDS_PROCESSOR
  A store was connected to a source or sink.
  Connect it to a processor.
STORE_NOT_CONNECTED
  A processor asked for a store that it has no access to.
  Name the store among the processor's stores.
STORE_NOT_NAMED
  A table has no store that can be queried.
  Give the operator that makes it a storeName.
SUPPLIER_REUSES_PROCESSOR
  get() of a supplier returned the same processor twice.
  Make a new one at every call.
TIMERS_HANDLED_TWICE
  The timers of a store were given a second handler.
  Give context.timers one handler a store; other processors set timers by getStateStore.
TOPIC_READ_TWICE
  Two sources read the same topic, or topics that overlap.
  Read it in one stream, and use that for both.
UNKNOWN_CHILD
  A processor forwards to a node that is no child of it.
  Forward to one of those that the message lists.
UNKNOWN_PARENT
  A node names a parent that the topology does not have.
  Add the parent first.
UNKNOWN_PROCESSOR
  A store was connected to a node that does not exist.
  Add the processor first.
WINDOW_NEVER_CLOSES
  emitStrategy('on-window-close') was asked of unlimited windows.
  Use timeWindows.
DUPLICATE_STORE
  Two stores of a task have the same name.
  Give one of the two another name.

# Settings

CLIENT_SETTING_INVALID
  The Kafka client refuses one of its settings, or a file that it names.
  Mend the setting that the message names.
CLIENT_SETTING_RESERVED
  A setting of the Kafka client is one that Millrace makes itself.
  Remove it.
CONFLICTING_SETTINGS
  Two settings contradict each other, such as times that have an order.
  Lower the one or raise the other, as the message says.
INVALID_OPTION
  An option of httpApp is no whole number of at least 1.
  Give it one.
INVALID_SETTING
  A setting has a value that it cannot have.
  Give it what the message says that it must be.
MISSING_SETTING
  A setting that is needed is not there.
  Set what the message names.
UNKNOWN_SETTING
  A setting has a name that there is not.
  Use the name that the message proposes.

# Serdes and the schema registry

INT64_UNSAFE
  A 64-bit number is beyond what a number of JavaScript holds exactly.
  Use serdes.bigint64().
SERDE_DATA
  Bytes are not what the serde reads.
  Give the topic the serde by which it was written, or a deserializationErrorHandler.
SERDE_INVALID
  JSON was read, and its schema refuses it.
  Mend the writer or the schema, or set a deserializationErrorHandler.
SERDE_MISSING
  A source, sink, store or operator has no serde, and there is no default one.
  Give it the keySerde or valueSerde that the message names, or set defaultKeySerde or defaultValueSerde.
SERDE_PENDING
  The schema of a record is still being asked for; its partition waits.
  Where it is met outside of an application, call the serde again when the registry has answered.
SERDE_SCHEMA
  A schema is not Avro, cannot be used, or validates asynchronously.
  Mend the schema.
SERDE_TYPE
  A value is not what the serde writes.
  Give the serde the type of value that it is for, or choose another serde.
REGISTRY_ANSWER
  What answered is no schema registry.
  Look at the url.
REGISTRY_INCOMPATIBLE
  The subject's rule forbids the schema.
  Make a compatible change, or change the rule in the registry.
REGISTRY_INVALID
  The registry refuses a schema.
  Mend the schema.
REGISTRY_NOT_FOUND
  The registry has no such schema or subject.
  Register it, or set register: true.
REGISTRY_UNAUTHORIZED
  The registry refuses the credentials.
  Mend auth.
REGISTRY_UNAVAILABLE
  The registry does not answer after all attempts.
  Start it, or mend url; timeoutMs and retriesMax say how long it is tried.
REGISTRY_UNSUPPORTED
  A schema is not Avro, or refers to other subjects.
  Register it as Avro, with those types written out.

# Large payloads

CLAIM_NOT_STORED
  A value for a claim check is larger than its threshold, and was not stored before it was sent.
  Send it through mapValuesAsync(value => claims.checkIn(value)), and do not change it afterwards.
CLAIM_GONE
  The payload of a record is not in its store any more.
  Keep payloads longer than their topics keep records; deserializationErrorHandler decides about the record.
CLAIM_DAMAGED
  The payload of a record is not what was stored.
  Look for what writes to the store; deserializationErrorHandler decides about the record.
PAYLOADS_UNAVAILABLE
  A store of payloads does not answer, after all tries.
  Look at the store; the record is read again when the application starts.

# Tests

ENDLESS_TOPOLOGY
  One record has led to more records than stepsMax: the topology seems to write to its own source.
  Write to another topic, or end the circle by a condition; raise stepsMax where so many are meant.
NO_RECORD
  A test reads a record from an output topic that has none left.
  Look at isEmpty, or at what the topology filters out.
UNKNOWN_TOPIC
  There is no such topic: no source of the topology, or none that the brokers have.
  Use the nearest name, which the message has, or make the topic.
`
