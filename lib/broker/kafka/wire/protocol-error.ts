import { BrokerError } from '../../broker-error.ts'
import type { TopicPartition } from '../../broker.ts'
import { brokerErrorFrom } from '../classify-error.ts'

/** An error code out of a response, judged by the same table as those of the native client. `doing` completes "while …". */
export function protocolError(
  code: number,
  doing: string,
  partitions: readonly TopicPartition[] = [],
  message = 'the broker answered with an error',
): BrokerError {
  return brokerErrorFrom(Object.assign(new Error(message), { code }), doing, partitions)
}

/** Bytes that cannot be right. What follows from them would be wrong records, so nothing is made of them. */
export function malformedError(
  message: string,
  cause: unknown,
  partitions: readonly TopicPartition[] = [],
): BrokerError {
  return new BrokerError('CORRUPT_MESSAGE', 'fatal', message, { cause, partitions })
}
