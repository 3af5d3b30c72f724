import { BrokerError } from '../../broker-error.ts'
import type { BrokerErrorClass } from '../../broker-error.ts'
import type { TopicPartition } from '../../broker.ts'
import { decidedClass, errorClass, errorName } from '../protocol/kafka-error-codes.ts'
import type { NativeError } from './native-client.ts'

type CodeAndClass = readonly [code: string, errorClass: BrokerErrorClass]

/** Errors of librdkafka itself (below 0) whose class the number alone decides, whatever the flags say. */
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
 * Errors whose flags decide the class, where there are flags: errors of `produce`, of delivery reports and of
 * the admin client have none.
 */
const WITHOUT_FLAGS: ReadonlyMap<number, CodeAndClass> = new Map<number, CodeAndClass>([
  [-140, ['OFFSET_OUT_OF_RANGE', 'fatal']],
  // A record is given up after all retries: whether it is sent again, after an abort, the application
  // decides.
  [-192, ['MESSAGE_TIMED_OUT', 'abortable']],
  // Records purged by an abort.
  [-151, ['PURGED', 'abortable']],
  [-152, ['PURGED', 'abortable']],
  // `produce` in a transaction that has failed already; the reason comes with the next call on the
  // transaction.
  [-172, ['INVALID_STATE', 'abortable']],
  // Another call on the transaction is unfinished: the commit has to be repeated first.
  [-173, ['CONFLICTING_CALL', 'retriable']],
  // The producer has failed and does not say why; `fenced` leads to a new one of the same id, which learns
  // it.
  [-150, ['CLIENT_FATAL', 'fenced']],
  // The cluster is busy electing, loading or restarting.
  [-195, ['BROKER_UNREACHABLE', 'retriable']],
  [-193, ['BROKER_UNREACHABLE', 'retriable']],
  [-187, ['BROKER_UNREACHABLE', 'retriable']],
  [-185, ['REQUEST_TIMED_OUT', 'retriable']],
  [-180, ['COORDINATOR_NOT_AVAILABLE', 'retriable']],
])

/** The port's error for an error of the native client. `doing` completes "while …". */
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
