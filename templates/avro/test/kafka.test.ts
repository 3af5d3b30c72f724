import { randomUUID } from 'node:crypto'
import { serdes } from 'millrace'
import { expect, it } from 'vitest'
import { averages } from '../src/app.ts'
import { avroSerdes, type Reading } from '../src/schemas.ts'
import { brokers, runOnKafka } from './run-on-kafka.ts'

const keySerde = serdes.string()

it.skipIf(!brokers)(
  'averages on Kafka (where MILLRACE_BROKERS=host:9092 is set)',
  { timeout: 60_000 },
  async () => {
    const applicationId = `test-${randomUUID()}`
    const named = (topic: string) => `${applicationId}-${topic}`
    const topics = { json: named('readings-json'), readings: named('readings'), averages: named('averages') }
    const avro = await avroSerdes()
    await runOnKafka(
      averages(avro, topics),
      { applicationId, topics: Object.values(topics) },
      async broker => {
        const json = broker.topic(topics.json, { keySerde, valueSerde: serdes.json<Reading>() })
        await json.send(null, { sensor: 'north', celsius: 18 })
        const results = broker.topic(topics.averages, { keySerde, valueSerde: avro.average })
        for await (const { key, value } of results.records()) {
          expect([key, value]).toEqual(['north', { count: 1, celsius: 18 }])
          break
        }
      },
    )
  },
)
