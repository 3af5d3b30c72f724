import { describe, expect, it } from 'vitest'
import { kafkaForTests } from '../support/kafka.ts'
import { runAbortFuzz } from './abort-fuzz/abort-fuzz.ts'
import { missingForBroker } from './broker-jars.ts'

const kafka = await kafkaForTests()
const missing = 'skipped' in kafka ? kafka.skipped : await missingForBroker()

describe.skipIf(missing)('random histories of transactions', () => {
  it('are read alike by the direct path, the native one and the JVM', async () => {
    const brokers = 'brokers' in kafka ? kafka.brokers : ''
    const { differences, records } = await runAbortFuzz({ brokers, seed: 1, count: 4, say: () => undefined })
    expect(differences).toEqual([])
    expect(records).toBeGreaterThan(500)
  }, 120_000)
})
