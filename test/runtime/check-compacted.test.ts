import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { GlobalTableOptions } from '../../lib/dsl/options/options.ts'
import { checkCompacted } from '../../lib/runtime/plan/check-compacted.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { listening } from '../support/listening.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

async function start(policy: string | undefined, options: GlobalTableOptions<string, string> = {}) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  const admin = await broker.admin()
  const config = policy === undefined ? {} : { 'cleanup.policy': policy }
  await admin.createTopics([{ topic: 'prices', partitionCount: 1, config }])
  await produce(broker, 'prices', 1, [['tea', '250']])
  const builder = new StreamsBuilder()
  builder.globalTable('prices', { ...text, storeName: 'prices', ...options })
  const settings = { applicationId: 'app', stateDir: await temporaryDirectory() }
  const { logger } = listening()
  const streams = new KafkaStreams(builder.build(), settings, { broker, logger })
  onTestFinished(() => streams.close())
  await streams.start()
  return streams.store<string, string>('prices').get('tea')
}

describe('a global table over a topic', () => {
  it.each(['delete', undefined])('that is not compacted (%s) is refused', async policy => {
    const refused = expect(start(policy)).rejects
    await refused.toMatchObject({ code: 'TOPIC_NOT_COMPACTED' })
    await refused.toThrow(/topic "prices" has cleanup\.policy=delete.*--set cleanup\.policy=compact/)
  })

  it.each(['compact', 'compact,delete', 'delete, compact'])(
    'that is compacted (%s) is taken',
    async policy => {
      expect(await start(policy)).toBe('250')
    },
  )

  it('that is meant to forget rows is taken where the code says so', async () => {
    expect(await start('delete', { requireCompacted: false })).toBe('250')
  })
})

describe('a topic whose settings', () => {
  const plan = () => {
    const builder = new StreamsBuilder()
    builder.globalTable('prices', { ...text, storeName: 'prices' })
    return builder.build().plan('app')
  }

  it('cannot be read is taken, with a line in the log', async () => {
    const { logger, lines } = listening()
    const admin = { topicSettings: () => Promise.resolve(new Map()) }
    const broker: Pick<Broker, 'name'> = { name: 'kafka-1:9092' }
    await checkCompacted(plan(), { broker, admin, logger })
    expect(lines.join('\n')).toContain('cleanup.policy of topic prices cannot be read')
  })

  it('lie on a cluster is mended by a command of Kafka', async () => {
    const { logger } = listening()
    const found = new Map([['prices', new Map([['cleanup.policy', 'delete']])]])
    const admin = { topicSettings: () => Promise.resolve(found) }
    const check = checkCompacted(plan(), { broker: { name: 'kafka-1:9092' }, admin, logger })
    await expect(check).rejects.toThrow(
      'kafka-configs --bootstrap-server kafka-1:9092 --alter --entity-type topics --entity-name prices --add-config cleanup.policy=compact',
    )
  })
})
