import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KafkaStreams, openBroker, silentLogger as logger, type OpenedBroker, type Topology } from 'millrace'

/** Where tests find a Kafka cluster; without it they are skipped. */
export const brokers = process.env['MILLRACE_BROKERS']

/** Runs a topology on Kafka, with topics that are deleted afterwards, as are those that the application makes. */
export async function runOnKafka(
  topology: Topology,
  { applicationId, topics }: { readonly applicationId: string; readonly topics: readonly string[] },
  work: (broker: OpenedBroker) => Promise<void>,
): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'state-'))
  await using broker = await openBroker(brokers!, { logger })
  const admin = await broker.admin()
  await admin.createTopics(topics.map(topic => ({ topic, partitionCount: 2 })))
  const streams = new KafkaStreams(topology, { applicationId, stateDir }, { broker, logger })
  try {
    await streams.start()
    await work(broker)
  } finally {
    await streams.close()
    const internal = (await admin.listTopics()).filter(topic => topic.startsWith(`${applicationId}-`))
    await admin.deleteTopics([...topics, ...internal])
    await admin.close()
    await rm(stateDir, { recursive: true })
  }
}
