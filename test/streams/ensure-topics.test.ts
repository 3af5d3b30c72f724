import { expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { listening } from '../support/listening.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

async function start(config: Partial<StreamsConfig>, asCluster = false) {
  const broker = await openEmbeddedBroker({})
  onTestFinished(() => broker.close())
  const { logger, lines } = listening()
  const builder = new StreamsBuilder()
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  builder.stream('in', text).to('out', text)
  // What the application takes for a cluster is one by its name.
  const seen: Broker = asCluster
    ? {
        name: 'kafka:9092',
        admin: () => broker.admin(),
        consumer: options => broker.consumer(options),
        producer: options => broker.producer(options),
        close: async () => undefined,
      }
    : broker
  const settings = { applicationId: 'app', stateDir: await temporaryDirectory(), ...config }
  const streams = new KafkaStreams(builder.build(), settings, { broker: seen, logger })
  onTestFinished(() => streams.close())
  const restart = (topics: StreamsConfig['topics']) =>
    new KafkaStreams(builder.build(), { ...settings, topics: topics! }, { broker, logger })
  return { broker, lines, streams, restart }
}

const TOPICS = [
  { topic: 'in', partitionCount: 2 },
  { topic: 'out', partitionCount: 3, config: { 'cleanup.policy': 'compact' } },
]

it('topics that the application declares are made where they are missing', async () => {
  const { broker, lines, streams, restart } = await start({ topics: TOPICS })
  await streams.start()
  const admin = await broker.admin()
  const found = await admin.describeTopics(['in', 'out'])
  expect(Array.from(found.values(), ({ topic, partitionCount }) => [topic, partitionCount])).toEqual([
    ['in', 2],
    ['out', 3],
  ])
  expect((await admin.topicSettings(['out'], ['cleanup.policy'])).get('out')?.get('cleanup.policy')).toBe(
    'compact',
  )
  await streams.close()
  // Again, with other counts: they stay as they are.
  const again = restart([{ topic: 'in', partitionCount: 4 }, TOPICS[1]!])
  onTestFinished(() => again.close())
  await again.start()
  expect(
    lines.filter(line => line.includes('topic in has 2 partitions, and the setting "topics" declares 4')),
  ).toHaveLength(1)
})

it('on a cluster a missing one ends the start, with the command that makes it', async () => {
  const { streams } = await start({ topics: TOPICS }, true)
  await expect(streams.start()).rejects.toMatchObject({
    code: 'TOPIC_MISSING',
    message: expect.stringContaining('kafka-topics --create --topic in --partitions 2'),
  })
})

it.each([[[{ topic: 'in' }]], [[{ topic: 'a b', partitionCount: 1 }]], ['in']])(
  '%j is no list of topics',
  async topics => {
    await expect(start({ topics: topics as never })).rejects.toThrow(
      /topics is .*: it must be an array of \{ topic/,
    )
  },
)
