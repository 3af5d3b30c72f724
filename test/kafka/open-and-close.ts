import { openKafkaBroker } from '../../lib/broker/kafka/adapter/kafka-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { consoleLogger } from '../../lib/common/logger.ts'

/**
 * Opens one of everything on the broker given as argument, closes it all, and must then end without being
 * told.
 */
async function main(): Promise<void> {
  const brokers = process.argv[2] ?? ''
  const broker = await openKafkaBroker({ brokers, clock: systemClock, logger: consoleLogger() })
  const topic = `open-and-close-${process.pid}`
  const admin = await broker.admin()
  await admin.createTopics([{ topic, partitionCount: 2 }])
  const producer = await broker.producer({ clientId: 'x', transactionalId: topic })
  await producer.initTransactions()
  const group = { groupId: topic }
  const consumer = await broker.consumer({ clientId: 'x', isolation: 'read_committed', group })
  consumer.subscribe([topic], { assigned: () => undefined, revoked: () => undefined, lost: () => undefined })
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  while (consumer.owned().length < 2) await consumer.ready(100)
  await producer.begin()
  await producer.sendOffsets([{ topic, partition: 0, offset: 1 }], consumer)
  await producer.commitTransaction()
  await consumer.close()
  await producer.close()
  await admin.close()
  await broker.close()
  process.stdout.write('closed\n')
}

await main()
