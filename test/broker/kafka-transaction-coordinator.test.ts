import { expect, onTestFinished, test } from 'vitest'
import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { OutgoingBatch } from '../../lib/broker/kafka/client/produce/outgoing-batch.ts'
import { SendQueue } from '../../lib/broker/kafka/client/produce/send-queue.ts'
import { SlabPool } from '../../lib/broker/kafka/client/produce/slab-pool.ts'
import { TransactionCoordinator } from '../../lib/broker/kafka/client/produce/transaction-coordinator.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { eventually } from '../support/eventually.ts'
import { fakeLogs } from './direct-producer-stage.ts'

/** A queue with a record to send, whose partition is led by node 0. */
function queueWithRecord(topic: string, partition: number): SendQueue {
  const queue = new SendQueue(topic, partition)
  queue.leader = 0
  queue.open = new OutgoingBatch(1, 0, new SlabPool(1_000), 100)
  return queue
}

test('a partition that comes in any microtask after another one was added is added, too', async () => {
  const fake = await fakeLogs(20)
  const security = { tls: undefined, sasl: undefined }
  const connect = { clientId: 'test', clock: systemClock, settings: connectionSettings({}), security }
  const cluster = new Cluster(fake.address, connect)
  onTestFinished(() => cluster.close())
  const queues = fake.partitions.map((_, partition) => queueWithRecord(fake.topic, partition))
  const waiting = [...queues]
  const coordinator = new TransactionCoordinator({
    clock: systemClock,
    cluster,
    connect,
    transactionalId: 'tx',
    timeoutMs: 10_000,
    notify: () => undefined,
    added: () => void addNextAfter(queues.length - waiting.length),
    refused: (_, error) => expect.fail(String(error)),
    failed: error => expect.fail(String(error)),
  })
  onTestFinished(() => coordinator.close())
  async function addNextAfter(microtasks: number): Promise<void> {
    for (let left = microtasks; left > 1; left -= 1) await Promise.resolve()
    const next = waiting.shift()
    if (next) coordinator.addToTransaction(next)
  }
  coordinator.begin({ producerId: 7, epoch: 1 })
  await addNextAfter(0)
  const areAllAdded = () => queues.every(queue => coordinator.isInTransaction(queue))
  await eventually(areAllAdded, { what: 'that all partitions are added', limitMs: 20_000 })
})
