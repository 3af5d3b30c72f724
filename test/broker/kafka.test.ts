import { describe } from 'vitest'
import type { DataPath } from '../../lib/broker/kafka/settings/kafka-broker-options.ts'
import { openKafkaBroker } from '../../lib/broker/kafka/adapter/kafka-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { brokerContract } from '../conformance/broker.ts'
import { needs } from '../support/needs.ts'

const { brokers, suite } = await needs('native client', 'broker')

interface Paths {
  readonly fetch: DataPath
  readonly produce: DataPath
}

const PATHS: readonly Paths[] = [
  { fetch: 'direct', produce: 'direct' },
  { fetch: 'direct', produce: 'native' },
  { fetch: 'native', produce: 'direct' },
]

await suite('real Kafka', () => {
  describe.each(PATHS)('read by the $fetch path, written by the $produce path', paths => contract(paths))
})

function contract({ fetch, produce }: Paths): void {
  brokerContract(`kafka, fetch ${fetch}, produce ${produce}`, async () => {
    const broker = await openKafkaBroker({
      brokers,
      fetch,
      produce,
      clock: systemClock,
      logger: silentLogger,
    })
    return {
      broker,
      capabilities: {
        sessionTimeoutMsMin: 1_000,
        createsTopicsOnSend: false,
        refusedValueBytes: 2_000_000,
        nullHeaderValuesBecomeEmpty: fetch === 'native' || produce === 'native',
      },
      dispose: () => broker.close(),
    }
  })
}
