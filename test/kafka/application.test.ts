import { describe, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { applicationSuite } from '../streams/application-suite.ts'
import { kafkaForTests } from '../support/kafka.ts'

const kafka = await kafkaForTests()

async function realBroker(): Promise<Broker> {
  const broker = await openBroker('brokers' in kafka ? kafka.brokers : '', { logger: silentLogger })
  onTestFinished(() => broker.close())
  return broker
}

describe.skipIf('skipped' in kafka)('the application on a real broker', () => {
  for (const processingGuarantee of ['exactly-once', 'at-least-once'] as const) {
    for (const groupProtocol of ['classic', 'consumer'] as const) {
      const name = `Kafka, ${processingGuarantee}, group protocol ${groupProtocol}`
      applicationSuite(name, realBroker, { processingGuarantee, groupProtocol })
    }
  }
})
