import { BrokerError } from '../../broker-error.ts'
import type { TopicPartition } from '../../broker.ts'
import { errorClass, errorName } from './kafka-error-codes.ts'

/** The error for a code in a response. `doing` completes "while …". */
export function protocolError(
  code: number,
  doing: string,
  partitions: readonly TopicPartition[] = [],
  message = 'the broker answered with an error',
): BrokerError {
  const cause = Object.assign(new Error(message), { code })
  const name = errorName(code)
  return new BrokerError(name, errorClass(code), `${message} (${name}, ${code}) while ${doing}`, {
    cause,
    partitions,
  })
}

/** The error for bytes that do not follow the protocol. It is fatal: what is read from them may be wrong. */
export function malformedError(
  message: string,
  cause: unknown,
  partitions: readonly TopicPartition[] = [],
): BrokerError {
  return new BrokerError('CORRUPT_MESSAGE', 'fatal', message, { cause, partitions })
}

export function closedError(what: string): BrokerError {
  return new BrokerError('CLIENT_CLOSED', 'fatal', `the ${what} is closed; open a new one`)
}
