import { expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const { brokers, suite } = await needs('native client', 'broker')

function wordCount(lines: string) {
  const builder = new StreamsBuilder()
  builder
    .stream<string | null, string>(lines, { keySerde: serdes.string(), valueSerde: serdes.string() })
    .groupBy(line => line, { keySerde: serdes.string(), valueSerde: serdes.string() })
    .count({ storeName: 'counts' })
  return builder.build()
}

await suite('the lag of an application', () => {
  it.each(['direct', 'native'] as const)(
    'is 0 when all is done, also of repartition topics, which end in commit markers (%s)',
    async fetch => {
      const broker = await openBroker(brokers, { logger: silentLogger, fetch })
      onTestFinished(() => broker.close())
      const applicationId = `lag-${fetch}-${process.pid}`
      const lines = `${applicationId}-lines`
      await createTopics(broker, { [lines]: 1 })
      const config = {
        applicationId,
        stateDir: await temporaryDirectory(),
        commitIntervalMs: 20,
        maxPollRecords: 1,
      }
      const streams = new KafkaStreams(wordCount(lines), config, { broker, logger: silentLogger })
      onTestFinished(() => streams.close())
      await streams.start()
      await produce(broker, lines, 1, [
        [null, 'one'],
        [null, 'two'],
      ])
      await eventually(() => streams.store('counts').get('two') === 1)
      const admin = await broker.admin()
      const partitions = [lines, `${applicationId}-counts-repartition`].map(topic => ({
        topic,
        partition: 0,
      }))
      await eventually(async () => {
        const ends = await admin.endOffsets(partitions, 'read_uncommitted')
        const committed = await admin.groupOffsets(applicationId, partitions)
        const positions = Array.from(committed, ([key, { offset }]) => [key, offset])
        return expect(Object.fromEntries(positions)).toEqual(Object.fromEntries(ends))
      })
    },
  )
})
