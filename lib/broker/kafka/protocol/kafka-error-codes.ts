import type { BrokerErrorClass } from '../../broker-error.ts'

/**
 * Names of the protocol's errors, by their number from 0 on: `org.apache.kafka.common.protocol.Errors` of
 * Kafka 4.3.1 (https://kafka.apache.org/protocol.html#protocol_error_codes).
 */
const NAMES = `
NONE OFFSET_OUT_OF_RANGE CORRUPT_MESSAGE UNKNOWN_TOPIC_OR_PARTITION INVALID_FETCH_SIZE
LEADER_NOT_AVAILABLE NOT_LEADER_OR_FOLLOWER REQUEST_TIMED_OUT BROKER_NOT_AVAILABLE
REPLICA_NOT_AVAILABLE MESSAGE_TOO_LARGE STALE_CONTROLLER_EPOCH OFFSET_METADATA_TOO_LARGE
NETWORK_EXCEPTION COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR
INVALID_TOPIC_EXCEPTION RECORD_LIST_TOO_LARGE NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND
INVALID_REQUIRED_ACKS ILLEGAL_GENERATION INCONSISTENT_GROUP_PROTOCOL INVALID_GROUP_ID
UNKNOWN_MEMBER_ID INVALID_SESSION_TIMEOUT REBALANCE_IN_PROGRESS INVALID_COMMIT_OFFSET_SIZE
TOPIC_AUTHORIZATION_FAILED GROUP_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED
INVALID_TIMESTAMP UNSUPPORTED_SASL_MECHANISM ILLEGAL_SASL_STATE UNSUPPORTED_VERSION
TOPIC_ALREADY_EXISTS INVALID_PARTITIONS INVALID_REPLICATION_FACTOR INVALID_REPLICA_ASSIGNMENT
INVALID_CONFIG NOT_CONTROLLER INVALID_REQUEST UNSUPPORTED_FOR_MESSAGE_FORMAT POLICY_VIOLATION
OUT_OF_ORDER_SEQUENCE_NUMBER DUPLICATE_SEQUENCE_NUMBER INVALID_PRODUCER_EPOCH INVALID_TXN_STATE
INVALID_PRODUCER_ID_MAPPING INVALID_TRANSACTION_TIMEOUT CONCURRENT_TRANSACTIONS
TRANSACTION_COORDINATOR_FENCED TRANSACTIONAL_ID_AUTHORIZATION_FAILED SECURITY_DISABLED
OPERATION_NOT_ATTEMPTED KAFKA_STORAGE_ERROR LOG_DIR_NOT_FOUND SASL_AUTHENTICATION_FAILED
UNKNOWN_PRODUCER_ID REASSIGNMENT_IN_PROGRESS DELEGATION_TOKEN_AUTH_DISABLED
DELEGATION_TOKEN_NOT_FOUND DELEGATION_TOKEN_OWNER_MISMATCH DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
DELEGATION_TOKEN_AUTHORIZATION_FAILED DELEGATION_TOKEN_EXPIRED INVALID_PRINCIPAL_TYPE
NON_EMPTY_GROUP GROUP_ID_NOT_FOUND FETCH_SESSION_ID_NOT_FOUND INVALID_FETCH_SESSION_EPOCH
LISTENER_NOT_FOUND TOPIC_DELETION_DISABLED FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH
UNSUPPORTED_COMPRESSION_TYPE STALE_BROKER_EPOCH OFFSET_NOT_AVAILABLE MEMBER_ID_REQUIRED
PREFERRED_LEADER_NOT_AVAILABLE GROUP_MAX_SIZE_REACHED FENCED_INSTANCE_ID
ELIGIBLE_LEADERS_NOT_AVAILABLE ELECTION_NOT_NEEDED NO_REASSIGNMENT_IN_PROGRESS
GROUP_SUBSCRIBED_TO_TOPIC INVALID_RECORD UNSTABLE_OFFSET_COMMIT THROTTLING_QUOTA_EXCEEDED
PRODUCER_FENCED RESOURCE_NOT_FOUND DUPLICATE_RESOURCE UNACCEPTABLE_CREDENTIAL
INCONSISTENT_VOTER_SET INVALID_UPDATE_VERSION FEATURE_UPDATE_FAILED
PRINCIPAL_DESERIALIZATION_FAILURE SNAPSHOT_NOT_FOUND POSITION_OUT_OF_RANGE UNKNOWN_TOPIC_ID
DUPLICATE_BROKER_REGISTRATION BROKER_ID_NOT_REGISTERED INCONSISTENT_TOPIC_ID
INCONSISTENT_CLUSTER_ID TRANSACTIONAL_ID_NOT_FOUND FETCH_SESSION_TOPIC_ID_ERROR INELIGIBLE_REPLICA
NEW_LEADER_ELECTED OFFSET_MOVED_TO_TIERED_STORAGE FENCED_MEMBER_EPOCH UNRELEASED_INSTANCE_ID
UNSUPPORTED_ASSIGNOR STALE_MEMBER_EPOCH MISMATCHED_ENDPOINT_TYPE UNSUPPORTED_ENDPOINT_TYPE
UNKNOWN_CONTROLLER_ID UNKNOWN_SUBSCRIPTION_ID TELEMETRY_TOO_LARGE INVALID_REGISTRATION
TRANSACTION_ABORTABLE INVALID_RECORD_STATE SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH
FENCED_STATE_EPOCH INVALID_VOTER_KEY DUPLICATE_VOTER VOTER_NOT_FOUND INVALID_REGULAR_EXPRESSION
REBOOTSTRAP_REQUIRED STREAMS_INVALID_TOPOLOGY STREAMS_INVALID_TOPOLOGY_EPOCH
STREAMS_TOPOLOGY_FENCED SHARE_SESSION_LIMIT_REACHED
`
  .trim()
  .split(/\s+/)

/** Errors that are a `RetriableException` in the JVM client. */
const RETRIABLE: ReadonlySet<number> = new Set([
  2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103,
  106, 122, 123, 133,
])

/** The name of an error; `KAFKA_<number>` where the number is newer than the list. */
export function errorName(code: number): string {
  return code === -1 ? 'UNKNOWN_SERVER_ERROR' : (NAMES[code] ?? `KAFKA_${code}`)
}

export function isRetriable(code: number): boolean {
  return RETRIABLE.has(code)
}

/**
 * Classes that the number alone decides. The native client's flags beside an error say what the client will
 * do next, not what the error means for a task.
 */
const DECIDED: ReadonlyMap<number, BrokerErrorClass> = new Map<number, BrokerErrorClass>([
  // AddOffsetsToTxn reports fencing as abortable, every other call as fatal; it is final in both.
  [90, 'fenced'], // PRODUCER_FENCED
  [47, 'fenced'], // INVALID_PRODUCER_EPOCH
  // The broker timed the transaction out and gave its producer id another epoch, or forgot the id altogether.
  [48, 'fenced'], // INVALID_TXN_STATE
  [49, 'fenced'], // INVALID_PRODUCER_ID_MAPPING
  // The group has rebalanced without this member: the native client's flag says "requires abort", but the
  // tasks belong to others by now.
  [22, 'task-migrated'], // ILLEGAL_GENERATION
  [25, 'task-migrated'], // UNKNOWN_MEMBER_ID
  [82, 'task-migrated'], // FENCED_INSTANCE_ID
  [110, 'task-migrated'], // FENCED_MEMBER_EPOCH
  // The member is in the group, with an epoch that is old until its next heartbeat: the same commit works
  // then.
  [113, 'retriable'], // STALE_MEMBER_EPOCH
  [27, 'retriable'], // REBALANCE_IN_PROGRESS
  [88, 'retriable'], // UNSTABLE_OFFSET_COMMIT
  // The record is at fault. In a transaction the native client's flag asks for an abort, which mends nothing.
  [10, 'record-refused'], // MESSAGE_TOO_LARGE
  [18, 'record-refused'], // RECORD_LIST_TOO_LARGE
  [32, 'record-refused'], // INVALID_TIMESTAMP
  [87, 'record-refused'], // INVALID_RECORD
  // No such topic or partition, by name or by id.
  [3, 'topic-missing'], // UNKNOWN_TOPIC_OR_PARTITION
  [100, 'topic-missing'], // UNKNOWN_TOPIC_ID
  // The principal lacks a right.
  [29, 'authorization'], // TOPIC_AUTHORIZATION_FAILED
  [30, 'authorization'], // GROUP_AUTHORIZATION_FAILED
  [31, 'authorization'], // CLUSTER_AUTHORIZATION_FAILED
  [53, 'authorization'], // TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  // Credentials do not become valid by trying again.
  [33, 'authentication'], // UNSUPPORTED_SASL_MECHANISM
  [58, 'authentication'], // SASL_AUTHENTICATION_FAILED
])

/** Classes that the native client's flags may override, where the class does not follow from `RETRIABLE`. */
const CLASSES: ReadonlyMap<number, BrokerErrorClass> = new Map<number, BrokerErrorClass>([
  [1, 'fatal'], // OFFSET_OUT_OF_RANGE
  // A record is given up after all retries: whether it is sent again, after an abort, the application
  // decides.
  [2, 'abortable'], // CORRUPT_MESSAGE
  // The coordinator asks for an abort (KIP-890).
  [120, 'abortable'], // TRANSACTION_ABORTABLE
  [59, 'fatal'], // UNKNOWN_PRODUCER_ID
  [45, 'fatal'], // OUT_OF_ORDER_SEQUENCE_NUMBER
  [50, 'fatal'], // INVALID_TRANSACTION_TIMEOUT
  [36, 'fatal'], // TOPIC_ALREADY_EXISTS
  [37, 'fatal'], // INVALID_PARTITIONS
  [38, 'fatal'], // INVALID_REPLICATION_FACTOR
  [40, 'fatal'], // INVALID_CONFIG
  [17, 'fatal'], // INVALID_TOPIC_EXCEPTION
  [24, 'fatal'], // INVALID_GROUP_ID
  [26, 'fatal'], // INVALID_SESSION_TIMEOUT
  [35, 'fatal'], // UNSUPPORTED_VERSION
  [44, 'fatal'], // POLICY_VIOLATION
  [68, 'fatal'], // NON_EMPTY_GROUP
  [69, 'fatal'], // GROUP_ID_NOT_FOUND
  // The cluster is busy electing, loading or restarting.
  [5, 'retriable'], // LEADER_NOT_AVAILABLE
  [6, 'retriable'], // NOT_LEADER_OR_FOLLOWER
  [7, 'retriable'], // REQUEST_TIMED_OUT
  [8, 'retriable'], // BROKER_NOT_AVAILABLE
  [13, 'retriable'], // NETWORK_EXCEPTION
  [14, 'retriable'], // COORDINATOR_LOAD_IN_PROGRESS
  [15, 'retriable'], // COORDINATOR_NOT_AVAILABLE
  [16, 'retriable'], // NOT_COORDINATOR
  [19, 'retriable'], // NOT_ENOUGH_REPLICAS
  [20, 'retriable'], // NOT_ENOUGH_REPLICAS_AFTER_APPEND
  [41, 'retriable'], // NOT_CONTROLLER
  [51, 'retriable'], // CONCURRENT_TRANSACTIONS
  [56, 'retriable'], // KAFKA_STORAGE_ERROR
  [74, 'retriable'], // FENCED_LEADER_EPOCH
  [75, 'retriable'], // UNKNOWN_LEADER_EPOCH
])

export function decidedClass(code: number): BrokerErrorClass | undefined {
  return DECIDED.get(code)
}

/** What an error of the protocol means for a task. */
export function errorClass(code: number): BrokerErrorClass {
  return DECIDED.get(code) ?? CLASSES.get(code) ?? (isRetriable(code) ? 'retriable' : 'fatal')
}

/**
 * Errors of a Produce request that a broker finds before it writes; after others the batch may be written.
 */
const NOT_WRITTEN: ReadonlySet<number> = new Set([
  2, 3, 10, 17, 18, 19, 29, 32, 45, 47, 48, 49, 53, 59, 87, 90, 100, 120,
])

export function mayHaveBeenWritten(code: number): boolean {
  return !NOT_WRITTEN.has(code)
}
