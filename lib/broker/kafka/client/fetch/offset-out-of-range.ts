import { BrokerError } from '../../../broker-error.ts'
import { nameOf, placeOf } from '../connection/retriable-errors.ts'
import type { FetchQueue } from './fetch-queue.ts'

/** What the runtime's reset policy decides about, or, where the broker names one, its offset. */
export function offsetOutOfRange(queue: FetchQueue, why: string, divergingOffset?: number): BrokerError {
  const message = `${nameOf(queue)} cannot be read from offset ${queue.fetchedTo}: ${why}`
  return new BrokerError('OFFSET_OUT_OF_RANGE', 'fatal', message, {
    partitions: [{ ...placeOf(queue), ...(divergingOffset === undefined ? {} : { divergingOffset }) }],
  })
}
