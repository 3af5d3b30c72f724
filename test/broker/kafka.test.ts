import { describe } from 'vitest'
import type { FetchPath } from '../../lib/broker/kafka/kafka-broker-options.ts'
import { openKafkaBroker } from '../../lib/broker/kafka/kafka-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { brokerContract } from '../conformance/broker.ts'
import { kafkaForTests } from '../support/kafka.ts'

const kafka = await kafkaForTests()

describe.skipIf('skipped' in kafka)('real Kafka', () => {
  describe.each(['direct', 'native'] as const)('read by the %s path', fetch => contract(fetch))
})

function contract(fetch: FetchPath): void {
  brokerContract(`kafka, ${fetch}`, async () => {
    const brokers = 'brokers' in kafka ? kafka.brokers : ''
    const broker = await openKafkaBroker({ brokers, fetch, clock: systemClock, logger: silentLogger })
    return {
      broker,
      capabilities: {
        patienceMs: 60_000,
        sessionTimeoutMsMin: 1_000,
        createsTopicsOnSend: false,
        refusedValueBytes: 2_000_000,
        nullHeaderValuesBecomeEmpty: true,
      },
      dispose: () => broker.close(),
    }
  })
}
