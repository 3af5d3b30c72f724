import { randomUUID } from 'node:crypto'
import { serdes } from 'millrace'
import { expect, it } from 'vitest'
import { wordCounts } from '../src/app.ts'
import { brokers, runOnKafka } from './run-on-kafka.ts'

const keySerde = serdes.string()

it.skipIf(!brokers)(
  'counts words on Kafka (where MILLRACE_BROKERS=host:9092 is set)',
  { timeout: 60_000 },
  async () => {
    const applicationId = `test-${randomUUID()}`
    const [input, output] = [`${applicationId}-lines`, `${applicationId}-counts`]
    await runOnKafka(wordCounts(input, output), { applicationId, topics: [input, output] }, async broker => {
      await broker.topic(input, { keySerde, valueSerde: serdes.string() }).send(null, 'hello')
      for await (const { key, value } of broker
        .topic(output, { keySerde, valueSerde: serdes.int64() })
        .records()) {
        expect([key, value]).toEqual(['hello', 1])
        break
      }
    })
  },
)
