import { onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { applicationSuite } from './application-suite.ts'

async function memoryBroker(): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  return broker
}

for (const processingGuarantee of ['exactly-once', 'at-least-once'] as const)
  applicationSuite(`the broker in memory, ${processingGuarantee}`, memoryBroker, { processingGuarantee })
