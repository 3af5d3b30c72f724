import { BrokerError } from '../../broker-error.ts'
import type { BrokerErrorClass } from '../../broker-error.ts'
import type { TopicPartition } from '../../broker.ts'
import { decidedClass, errorClass, errorName } from '../protocol/kafka-error-codes.ts'
import type { NativeError } from './native-client.ts'

type CodeAndClass = readonly [code: string, errorClass: BrokerErrorClass]

/** librdkafka's own errors, below 0. Decided by the number alone, whatever the flags say. */
const DECIDED: ReadonlyMap<number, CodeAndClass> = new Map<number, CodeAndClass>([
  // AddOffsetsToTxn reports fencing as abortable, every other call as fatal; it is final in both.
  [-144, ['PRODUCER_FENCED', 'fenced']],
  [-142, ['ASSIGNMENT_LOST', 'task-migrated']],
  [-188, ['UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing']],
  [-190, ['UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing']],
  // Offsets were asked for, and none of the topics is known.
  [-156, ['UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing']],
  [-169, ['SASL_AUTHENTICATION_FAILED', 'authentication']],
  [-181, ['TLS_FAILED', 'authentication']],
])

/**
 * Those of which the flags say more, where there are some: not from `produce`, delivery reports, and admin.
 */
const WITHOUT_FLAGS: ReadonlyMap<number, CodeAndClass> = new Map<number, CodeAndClass>([
  [-140, ['OFFSET_OUT_OF_RANGE', 'fatal']],
  // The record is given up after all retries: sending again is the application's to decide, from its last
  // commit.
  [-192, ['MESSAGE_TIMED_OUT', 'abortable']],
  // Records purged by an abort.
  [-151, ['PURGED', 'abortable']],
  [-152, ['PURGED', 'abortable']],
  // `produce` in a transaction that has failed already; the reason comes with the next call on the
  // transaction.
  [-172, ['INVALID_STATE', 'abortable']],
  // Another transactional call is unfinished: commit again before anything else.
  [-173, ['CONFLICTING_CALL', 'retriable']],
  // The producer is finished and does not say why. A new one under the same id learns it, which is what
  // `fenced` leads to.
  [-150, ['CLIENT_FATAL', 'fenced']],
  // The cluster is busy electing, loading or restarting.
  [-195, ['BROKER_UNREACHABLE', 'retriable']],
  [-193, ['BROKER_UNREACHABLE', 'retriable']],
  [-187, ['BROKER_UNREACHABLE', 'retriable']],
  [-185, ['REQUEST_TIMED_OUT', 'retriable']],
  [-180, ['COORDINATOR_NOT_AVAILABLE', 'retriable']],
])

/** What the native client said, as the port says it. `doing` completes "while …". */
export function brokerErrorFrom(
  native: NativeError,
  doing: string,
  partitions: readonly TopicPartition[] = [],
): BrokerError {
  const [code, meaning] = codeAndClass(native)
  return new BrokerError(code, meaning, `${native.message} (${code}, ${native.code}) while ${doing}`, {
    cause: native,
    partitions,
  })
}

export function isNativeError(reason: unknown): reason is NativeError {
  return reason instanceof Error && typeof (reason as Partial<NativeError>).code === 'number'
}

function codeAndClass(native: NativeError): CodeAndClass {
  const number = native.code
  const decided = DECIDED.get(number) ?? named(number, decidedClass(number))
  if (decided) return decided
  const known = WITHOUT_FLAGS.get(number) ?? named(number, errorClass(number))
  if (native.isFatal) return [known[0], known[1] === 'fenced' ? 'fenced' : 'fatal']
  if (native.isTxnRequiresAbort) return [known[0], 'abortable']
  return native.isRetriable ? [known[0], 'retriable'] : known
}

function named(number: number, decided: BrokerErrorClass): CodeAndClass
function named(number: number, decided: BrokerErrorClass | undefined): CodeAndClass | undefined
function named(number: number, decided: BrokerErrorClass | undefined): CodeAndClass | undefined {
  return decided && [errorName(number), decided]
}
