import { onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { applicationSuite } from '../streams/application-suite.ts'
import { needs } from '../support/needs.ts'

const { brokers, suite } = await needs('native client', 'broker')

async function realBroker(): Promise<Broker> {
  const broker = await openBroker(brokers, { logger: silentLogger })
  onTestFinished(() => broker.close())
  return broker
}

await suite('the application on a real broker', () => {
  for (const processingGuarantee of ['exactly-once', 'at-least-once'] as const) {
    for (const groupProtocol of ['classic', 'consumer'] as const) {
      const name = `Kafka, ${processingGuarantee}, group protocol ${groupProtocol}`
      applicationSuite(name, realBroker, { processingGuarantee, groupProtocol })
    }
  }
})
