/** Codes of errors while an application runs. The format is that of `error-codes.ts`. */
export const RUNNING_CODES = `
# Running

ALREADY_STARTED
  start() was called a second time.
  Make a new KafkaStreams to start again.
STILL_RUNNING
  cleanUp() was called while the application runs.
  Close it first.
CLOSED
  The application was closed before what was waited for had come.
  Nothing is to be mended where you closed it.
FAILED
  The application has failed.
  Look at the error that it ended with (cause, streams.error).
ABORTED
  A wait was ended by its signal.
  Nothing is to be mended where you gave the signal.
ANCHORS_CHANGED
  A live member of the group runs another version of the topology.
  Stop all members, then start the new version.
TOPIC_MISSING
  A topic of the topology does not exist.
  Create it; only internal topics are made by the application.
TOPIC_NOT_COMPACTED
  The topic of a global table, or of a key-value store, has a cleanup.policy without compact: rows that do not change would vanish.
  Set cleanup.policy=compact with the command of the message; or, if rows are meant to vanish, give globalTable requireCompacted: false.
INTERNAL_TOPIC_MISMATCH
  An internal topic has another number of partitions than the topology needs: those of the inputs have changed.
  Reset the application (millrace reset), or give it a new applicationId.
NO_OFFSET
  There is no committed offset, or it is gone, and offsetReset is none.
  Choose earliest or latest, or commit an offset for the group.
OFFSETS_LOST
  There is state, but the committed offsets that it belongs to have expired, or were deleted.
  Reset the application, or set offsetsLost: accept to go on with the state as it is.
CHANGELOG_LOST
  A changelog has lost its records, and no state on this disk is what they said.
  Start a process that has the state, put the records back, or set changelogLost: accept.
CHANGELOG_MADE_ANEW
  A changelog was deleted and made anew while the application ran.
  Nothing: the task is taken over again. Look for what deletes internal topics.
REPARTITION_LOST
  A repartition topic was deleted with records that were not processed, and repartitionLost is fail.
  Reset the application, or set repartitionLost: continue.
RESTORE_ABORTED
  A restore was ended, since the task goes elsewhere or the application closes.
  Nothing.
ASSERTION_FAILED
  Something that must hold does not: a fault of Millrace.
  Report it with the message and the stack.
TASK_CORRUPTED
  State of a task cannot be used.
  Nothing: it is restored from its changelogs.
TASK_MIGRATED
  A partition belongs to another process now.
  Nothing: what was not committed is dropped here, and processed there.

# Records and handlers

DESERIALIZATION_FAILED
  A record cannot be read, and deserializationErrorHandler said fail.
  Mend the serde, or let the handler skip such records.
PROCESSING_FAILED
  A callback of yours threw, and processingErrorHandler said fail.
  Mend the callback, whose error is the cause, or let the handler continue.
PRODUCTION_FAILED
  A record for a topic was refused, and productionErrorHandler said fail.
  Mend the record, or let the handler drop it.
ERROR_HANDLER_FAILED
  A handler of errors threw, or answered what is no answer.
  Mend the handler; its own error is in thrown.
ROLLBACK_IMPOSSIBLE
  processingErrorHandler said rollback where there is nothing to roll back: in a punctuator, or at-least-once.
  Use exactly-once, or answer fail or continue.
RETRY_REQUESTED
  productionErrorHandler asked for another try.
  Nothing: the epoch is repeated.
INPUT_ROLLED_BACK
  A record is undone, and its epoch repeated without it.
  Nothing.
CHANGELOG_RECORD_REFUSED
  A changelog refuses a change, which is too large for instance.
  Make the value smaller, or raise max.message.bytes of the changelog topic.
INVALID_PARTITION
  A partitioner chose a partition that the topic does not have.
  Return one that it has, an array of them, or undefined for the default.
INVALID_TOPIC_NAME
  A sink that chooses topics by record was given no name of a topic.
  Filter records that go nowhere out above the sink.
INVALID_TIMESTAMP
  A timestamp is no whole number of milliseconds since 1970, or is negative, or the topic refuses it.
  Mend the timestampExtractor, or choose another one.
ASYNC_CALLBACK
  A callback or serde that is called synchronously is asynchronous.
  Use an operator that waits: mapValuesAsync, flatMapValuesAsync, processAsync.
ASYNC_PROCESSOR
  process of a processor returned a promise.
  Use processAsync.
ASYNC_CALL_FAILED
  An asynchronous call was rejected.
  Mend the call, whose error is the cause, or set processingErrorHandler.
ASYNC_RESULT
  An asynchronous call resolved with what its operator cannot use.
  Resolve with what the message asks for.
ASYNC_TIMEOUT
  An asynchronous call has not ended within timeoutMs.
  Let it heed its signal, or raise timeoutMs.
RETRY_DECISION_FAILED
  retry.onError of an asynchronous operator threw, or returned what is no decision.
  Mend it: it returns 'retry', 'dead-letter' or { retryAfterMs }.
GATHER_INDEX
  The index of a result is no whole number from 0 to 4,294,967,295.
  Mend index of the gather, or let processingErrorHandler drop the record.
GATHER_OUTCOME
  The outcome of a result is neither succeeded nor failed.
  Mend outcome of the gather.
GATHER_TOTAL
  The total of a batch is no whole number of 0 or more.
  Mend total of the gather, or let processingErrorHandler drop the record.
TASK_CLOSED
  The task that made an asynchronous call has left, or goes back to its last commit.
  Nothing: the call is repeated where its result is still needed.
MALFORMED_CHANGE
  A repartition topic of a grouped table has records that this application did not write.
  Look for the program that writes there; reset the application.
MALFORMED_INPUT
  The store of inputs that wait for asynchronous calls holds something else.
  Look for what writes to its changelog; reset the application.
MALFORMED_SUBSCRIPTION
  A topic of a foreign-key join has records of another program, or of a newer version.
  Run the newer version, or reset the application.
MALFORMED_SUPPRESSION
  The changelog of a suppression has records of another program, or of a newer version.
  Run the newer version, or reset the application.
UNKNOWN_FORMAT
  Inputs that wait, or timers, were written by a newer version.
  Run the newer version until nothing waits.
SUPPRESS_BUFFER_FULL
  The buffer of a suppression is full.
  Give it more room, or make windows or their grace shorter.

# State and queries

KEY_NOT_HERE
  A key belongs to a part of the store that this process does not have.
  Ask the process that has it; keyOwner(name, key) tells the partition.
STORE_NOT_AVAILABLE
  No task of this process holds the store at present.
  Try again: it may be restoring; or ask another process.
STORE_CLOSED
  A store is not open any more: its task has left or was built anew.
  Ask for the store again.
STORE_NOT_READABLE
  A store cannot be read as what was asked for, or not from outside.
  Read it as what it is.
STORE_NOT_TIMESTAMPED
  A store keeps no timestamps.
  Read it by the method that the message names.
STORE_KIND_CHANGED
  What is on disk under the name of a store is of another kind.
  Give the store another name, use another applicationId, or remove the state (cleanUp()).
RANGES_DISABLED
  A processor reads a store in ranges that keeps no order of its keys.
  Give ranges: true where the store is built.
UNKNOWN_STORE
  There is no store of this name.
  Use one of those that the message lists.
STATE_CORRUPTED
  State was rebuilt, and is damaged again before anything was committed.
  Look at the disk, then remove the directory, or name another stateDir: state is restored.
STATE_DIRECTORY_IN_USE
  Another process of this application has the state directory.
  End that process, or give this one a stateDir of its own.
STATE_DIRECTORY_LOCKED
  Another process has the files of a store.
  Give each process its own state directory.
STATE_DIRECTORY_UNUSABLE
  The disk is full, or files may not be read or written.
  Make room, or mend the rights; the state stays.

# Brokers and clients

BROKER_DIRECTORY_IN_USE
  Another process has the embedded broker of this directory.
  End that process: an embedded broker belongs to one at a time.
BROKER_STORAGE_DAMAGED
  The logs of the embedded broker are damaged; nothing of them was touched.
  Put a copy back, or begin anew in another directory.
BROKER_STORAGE_FAILED
  The logs of the embedded broker cannot be opened or written.
  Make room on the disk, or mend the rights.
BROKER_UNREACHABLE
  No broker answers at an address.
  Look at addresses, network and brokers; an application that has run goes on trying.
MESSAGE_TIMED_OUT
  Records were not acknowledged within delivery.timeout.ms.
  Nothing: they are sent again from the last commit. Look at the brokers where it goes on.
CLIENT_CLOSED
  A producer, consumer or admin was used after it was closed.
  Open a new one.
FETCH_FAILED
  Reading from a broker ended by an error that is none of Kafka's.
  Look at the cause; report it where it is a fault of Millrace.
KAFKA_CLIENT_MISSING
  The native Kafka client is not installed.
  npm install @confluentinc/kafka-javascript, as the message says.
KAFKA_CLIENT_REFUSED
  The native client refused a call.
  Look at its words in the message.
ASSIGNMENT_LOST
  The group took the partitions away from this member.
  Nothing: it joins again. Where it comes often, look at sessionTimeoutMs and pollIntervalMsMax.
PRODUCE_OUTCOME_UNKNOWN
  It is not known what has become of records that were sent.
  Nothing: a new producer ends the transaction, and the epoch is repeated.
SEND_ERROR_HANDLER_FAILED
  A callback for records that could not be sent threw.
  Mend the callback, whose error is the cause.
TLS_FAILED
  The connection could not be secured.
  Mend ssl.ca.location, or the broker's certificate and its host name.
SASL_AUTHENTICATION_FAILED
  The broker refuses the credentials.
  Mend sasl.mechanism, sasl.username and sasl.password.
CORRUPT_MESSAGE
  Bytes of a broker make no sense; the message names the place.
  Look at the broker's log and disk, and for what stands between.
GROUP_ID_NOT_FOUND
  There is no such group.
  Look at the name of the application.
NON_EMPTY_GROUP
  The group has members.
  Stop them first.
INVALID_CONFIG
  A topic was to be made with a setting that there is not, or with a wrong value.
  Mend the setting that the message names.
INVALID_GROUP_ID
  A consumer without a group was asked to commit or to subscribe.
  Open it with a group.
INVALID_PARTITIONS
  A topic was to be made with no partitions, or too many.
  Give it 1 or more.
INVALID_RECORD
  The topic refuses a record: it is compacted, and the record has no key, for instance.
  Give the record a key.
INVALID_TOPIC_EXCEPTION
  The name of a topic has characters that it must not have.
  Use letters, digits, ".", "_" and "-".
INVALID_TXN_STATE
  A producer was used out of the order of its transaction.
  Begin a transaction before sending; abort after a failure.
MESSAGE_TOO_LARGE
  A record is larger than its topic takes.
  Make it smaller, or raise max.message.bytes of the topic.
OFFSET_NOT_AVAILABLE
  A broker does not know the end of a partition yet.
  Nothing: it is asked again.
OFFSET_OUT_OF_RANGE
  What was to be read is gone.
  Nothing where offsetReset says where to go on; otherwise keep the topic longer.
PRODUCER_FENCED
  Another producer has this transactional id.
  Nothing in an application: it begins anew. Give two applications different applicationIds.
REQUEST_TIMED_OUT
  A broker has not answered in time.
  Look at the brokers; an application tries again.
TOPIC_ALREADY_EXISTS
  The topic exists already.
  Use it, or delete it first.
UNKNOWN_MEMBER_ID
  The group does not know this member any more.
  Nothing: it joins again.
UNKNOWN_SERVER_ERROR
  The broker met an error that it has no code for.
  Look at the broker's log.
UNKNOWN_TOPIC_OR_PARTITION
  The topic, or its partition, does not exist.
  Create it, or mend its name.
UNSTABLE_OFFSET_COMMIT
  Offsets are still being decided by an open transaction.
  Nothing: they are asked for again.
UNSUPPORTED_VERSION
  The broker is too old for a request.
  Use a newer Kafka, or the native path (--fetch native, --produce native).

# Key-value stores

KEY_VALUE_WRITE_TIMEOUT
  A write to a key-value store was not confirmed within writeTimeoutMs: no single writer runs, or the brokers do not answer.
  See that one process opens the store with hostsWriter; the write may have been made, so read before you write again.
NO_SINGLE_WRITER
  A write expected a version, and the store is written directly.
  Open it in every process with writes: 'single-writer'.
ROW_WITHOUT_VERSION
  A write expected that there is no row, and there is one that the single writer has not written.
  Put it once without expectedVersion, which gives it a version.
VERSION_CONFLICT
  A write expected another version than the row has; nothing was written.
  Read the row again, and decide anew; or use update, which does so.
`
