import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { clickSerdes, totalSerdes, totalsByButton } from '../src/topology.ts'
import { brokers, runOnKafka } from './run-on-kafka.ts'

it.skipIf(!brokers)(
  'counts clicks on Kafka (where MILLRACE_BROKERS=host:9092 is set)',
  { timeout: 60_000 },
  async () => {
    const applicationId = `test-${randomUUID()}`
    const [input, output] = [`${applicationId}-clicks`, `${applicationId}-totals`]
    await runOnKafka(
      totalsByButton(input, output),
      { applicationId, topics: [input, output] },
      async broker => {
        await broker.topic(input, clickSerdes).send(null, { button: 'red' })
        for await (const { key, value } of broker.topic(output, totalSerdes).records()) {
          expect([key, value]).toEqual(['red', 1])
          break
        }
      },
    )
  },
)
