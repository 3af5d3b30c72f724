import { BrokerError } from '../../../broker-error.ts'
import { nameOf, placeOf } from '../connection/retriable-errors.ts'
import type { FetchQueue } from './fetch-queue.ts'

/**
 * The error for a partition that cannot be read on: the offset reset policy decides where it is read from,
 * or the diverging offset where the broker names one.
 */
export function offsetOutOfRange(queue: FetchQueue, why: string, divergingOffset?: number): BrokerError {
  const message = `${nameOf(queue)} cannot be read from offset ${queue.fetchedTo}: ${why}`
  return new BrokerError('OFFSET_OUT_OF_RANGE', 'fatal', message, {
    partitions: [{ ...placeOf(queue), ...(divergingOffset === undefined ? {} : { divergingOffset }) }],
  })
}
