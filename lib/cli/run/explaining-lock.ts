import { BrokerError } from '../../broker/broker-error.ts'
import { StreamsError } from '../../common/errors/errors.ts'

/**
 * A running application has its embedded broker to itself: the error says what is done there instead, and
 * where this command works.
 */
export async function explainingLock(advice: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof BrokerError && error.code === 'BROKER_DIRECTORY_IN_USE')) throw error
    throw new StreamsError(error.code, `${error.message}. ${advice} (--brokers)`, { cause: error })
  }
}
