import { describe } from 'vitest'
import { openKafkaBroker } from '../../lib/broker/kafka/kafka-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { brokerContract } from '../conformance/broker.ts'
import { kafkaForTests } from '../support/kafka.ts'

const kafka = await kafkaForTests()

describe.skipIf('skipped' in kafka)('real Kafka', () => {
  brokerContract('kafka', async () => {
    const brokers = 'brokers' in kafka ? kafka.brokers : ''
    const broker = await openKafkaBroker({ brokers, clock: systemClock, logger: silentLogger })
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
})
