import { BrokerError } from '../broker-error.ts'
import type { BrokerErrorClass } from '../broker-error.ts'
import type { TopicPartition } from '../broker.ts'
import { errorName, isRetriable } from './error-names.ts'
import type { NativeError } from './native-client.ts'

type Verdict = readonly [code: string, errorClass: BrokerErrorClass]

/**
 * Decided by the number alone, whatever the flags say: `isFatal` and `isTxnRequiresAbort` tell what librdkafka will do next, not
 * what it means for a task, and on some paths they are missing or mislead.
 */
const BY_CODE: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  // AddOffsetsToTxn reports fencing as abortable, every other call as fatal; it is final in both.
  [-144, ['PRODUCER_FENCED', 'fenced']],
  [90, ['PRODUCER_FENCED', 'fenced']],
  [47, ['INVALID_PRODUCER_EPOCH', 'fenced']],
  // The broker timed the transaction out and gave its producer id another epoch, or forgot the id altogether.
  [48, ['INVALID_TXN_STATE', 'fenced']],
  [49, ['INVALID_PRODUCER_ID_MAPPING', 'fenced']],
  // The group has gone on: these come with "requires abort", and the tasks belong to others by now.
  [22, ['ILLEGAL_GENERATION', 'task-migrated']],
  [25, ['UNKNOWN_MEMBER_ID', 'task-migrated']],
  [82, ['FENCED_INSTANCE_ID', 'task-migrated']],
  [110, ['FENCED_MEMBER_EPOCH', 'task-migrated']],
  [-142, ['ASSIGNMENT_LOST', 'task-migrated']],
  // The member is current, its epoch is one behind until the next heartbeat: the same commit works then.
  [113, ['STALE_MEMBER_EPOCH', 'retriable']],
  [27, ['REBALANCE_IN_PROGRESS', 'retriable']],
  [88, ['UNSTABLE_OFFSET_COMMIT', 'retriable']],
  // The record is at fault, not the client; in a transaction the flag would tell of an abort that mends nothing.
  [10, ['MESSAGE_TOO_LARGE', 'record-refused']],
  [18, ['RECORD_LIST_TOO_LARGE', 'record-refused']],
  [32, ['INVALID_TIMESTAMP', 'record-refused']],
  [87, ['INVALID_RECORD', 'record-refused']],
  // No such topic or partition: said by the broker by name and by id, or by the client, which has looked.
  [3, ['UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing']],
  [100, ['UNKNOWN_TOPIC_ID', 'topic-missing']],
  [-188, ['UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing']],
  [-190, ['UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing']],
  // Offsets were asked for, and none of the topics is known.
  [-156, ['UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing']],
  // Rights.
  [29, ['TOPIC_AUTHORIZATION_FAILED', 'authorization']],
  [30, ['GROUP_AUTHORIZATION_FAILED', 'authorization']],
  [31, ['CLUSTER_AUTHORIZATION_FAILED', 'authorization']],
  [53, ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'authorization']],
  // Credentials, and certificates, which do not become valid by trying again.
  [33, ['UNSUPPORTED_SASL_MECHANISM', 'authentication']],
  [58, ['SASL_AUTHENTICATION_FAILED', 'authentication']],
  [-169, ['SASL_AUTHENTICATION_FAILED', 'authentication']],
  [-181, ['TLS_FAILED', 'authentication']],
])

/** Without flags: for codes that come where there are none (`produce`, delivery reports, admin), and for the names of the others. */
const BY_CODE_WITHOUT_FLAGS: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  [1, ['OFFSET_OUT_OF_RANGE', 'fatal']],
  [-140, ['OFFSET_OUT_OF_RANGE', 'fatal']],
  // The record is given up after all retries: sending again is the application's to decide, from its last commit.
  [-192, ['MESSAGE_TIMED_OUT', 'abortable']],
  [2, ['CORRUPT_MESSAGE', 'abortable']],
  // Records purged by an abort.
  [-151, ['PURGED', 'abortable']],
  [-152, ['PURGED', 'abortable']],
  // `produce` in a transaction that has failed already; the reason comes with the next call on the transaction.
  [-172, ['INVALID_STATE', 'abortable']],
  // Another transactional call is unfinished: commit again before anything else.
  [-173, ['CONFLICTING_CALL', 'retriable']],
  // The producer is finished and does not say why. A new one under the same id learns it, which is what `fenced` leads to.
  [-150, ['CLIENT_FATAL', 'fenced']],
  // The coordinator asks for an abort (KIP-890).
  [120, ['TRANSACTION_ABORTABLE', 'abortable']],
  [59, ['UNKNOWN_PRODUCER_ID', 'fatal']],
  [45, ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'fatal']],
  [50, ['INVALID_TRANSACTION_TIMEOUT', 'fatal']],
  [36, ['TOPIC_ALREADY_EXISTS', 'fatal']],
  [37, ['INVALID_PARTITIONS', 'fatal']],
  [38, ['INVALID_REPLICATION_FACTOR', 'fatal']],
  [40, ['INVALID_CONFIG', 'fatal']],
  [17, ['INVALID_TOPIC_EXCEPTION', 'fatal']],
  [24, ['INVALID_GROUP_ID', 'fatal']],
  [26, ['INVALID_SESSION_TIMEOUT', 'fatal']],
  [35, ['UNSUPPORTED_VERSION', 'fatal']],
  [44, ['POLICY_VIOLATION', 'fatal']],
  [68, ['NON_EMPTY_GROUP', 'fatal']],
  [69, ['GROUP_ID_NOT_FOUND', 'fatal']],
  // The cluster is busy electing, loading or restarting.
  [-195, ['BROKER_UNREACHABLE', 'retriable']],
  [-193, ['BROKER_UNREACHABLE', 'retriable']],
  [-187, ['BROKER_UNREACHABLE', 'retriable']],
  [-185, ['REQUEST_TIMED_OUT', 'retriable']],
  [-180, ['COORDINATOR_NOT_AVAILABLE', 'retriable']],
  [5, ['LEADER_NOT_AVAILABLE', 'retriable']],
  [6, ['NOT_LEADER_OR_FOLLOWER', 'retriable']],
  [7, ['REQUEST_TIMED_OUT', 'retriable']],
  [8, ['BROKER_NOT_AVAILABLE', 'retriable']],
  [13, ['NETWORK_EXCEPTION', 'retriable']],
  [14, ['COORDINATOR_LOAD_IN_PROGRESS', 'retriable']],
  [15, ['COORDINATOR_NOT_AVAILABLE', 'retriable']],
  [16, ['NOT_COORDINATOR', 'retriable']],
  [19, ['NOT_ENOUGH_REPLICAS', 'retriable']],
  [20, ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'retriable']],
  [41, ['NOT_CONTROLLER', 'retriable']],
  [51, ['CONCURRENT_TRANSACTIONS', 'retriable']],
  [56, ['KAFKA_STORAGE_ERROR', 'retriable']],
  [74, ['FENCED_LEADER_EPOCH', 'retriable']],
  [75, ['UNKNOWN_LEADER_EPOCH', 'retriable']],
])

/** What the native client said, as the port says it. `doing` completes "while …". */
export function brokerErrorFrom(
  native: NativeError,
  doing: string,
  partitions: readonly TopicPartition[] = [],
): BrokerError {
  const [code, errorClass] = verdict(native)
  return new BrokerError(code, errorClass, `${native.message} (${code}, ${native.code}) while ${doing}`, {
    cause: native,
    partitions,
  })
}

export function isNativeError(reason: unknown): reason is NativeError {
  return reason instanceof Error && typeof (reason as Partial<NativeError>).code === 'number'
}

function verdict(native: NativeError): Verdict {
  const decided = BY_CODE.get(native.code)
  if (decided) return decided
  const known = BY_CODE_WITHOUT_FLAGS.get(native.code)
  const code = known?.[0] ?? errorName(native.code)
  if (native.isFatal) return [code, known?.[1] === 'fenced' ? 'fenced' : 'fatal']
  if (native.isTxnRequiresAbort) return [code, 'abortable']
  if (native.isRetriable) return [code, 'retriable']
  return known ?? [code, isRetriable(native.code) ? 'retriable' : 'fatal']
}
