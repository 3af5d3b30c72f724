import { describe, expect, it, onTestFinished } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/streams-builder.ts'
import type { ProductionErrorHandler } from '../../lib/processor/error-handlers.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** An application whose first batch to `topic` is refused by the broker, after it was sent. */
async function started(topic: string, productionErrorHandler: ProductionErrorHandler): Promise<KafkaStreams> {
  let refused = false
  const broker = await openEmbeddedBroker({
    interceptor: operation => {
      if (refused || operation.operation !== 'produce' || operation.topic !== topic) return
      refused = true
      throw new BrokerError('INVALID_RECORD', 'record-too-large', 'refused by the test')
    },
  })
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  await produce(broker, 'in', 1, [['k', 'v']])
  const builder = new StreamsBuilder()
  const input = builder.stream('in', text)
  input.to('out', text)
  input.groupByKey().count({ storeName: 'counts' })
  const config = {
    applicationId: 'app',
    stateDir: await temporaryDirectory(),
    commitIntervalMs: 10,
    productionErrorHandler,
  }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

describe('an output that the broker refuses after it was sent', () => {
  it('is dropped and counted where the handler says continue', async () => {
    const asked: unknown[] = []
    const streams = await started('out', (error, { topic, origin }) => {
      asked.push([error.message, topic, origin])
      return 'continue'
    })
    const counts = streams.store<string, number>('counts')
    await eventually(() => expect(counts.get('k')).toBe(1))
    expect(asked).toEqual([['refused by the test', 'out', 'broker']])
    expect(streams.metrics.total('dropped-records-total')).toBe(1)
  })

  it('is no matter of the handler in a changelog: the epoch is processed again', async () => {
    const asked: string[] = []
    const streams = await started('app-counts-changelog', (_, { topic }) => {
      asked.push(topic)
      return 'continue'
    })
    const counts = streams.store<string, number>('counts')
    await eventually(() => expect(counts.get('k')).toBe(1))
    expect(asked).toEqual([])
    expect(streams.metrics.total('abort-total')).toBe(1)
  })
})
