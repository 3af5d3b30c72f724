import { present } from '../../lib/common/assert.ts'
import { utf8 } from '../../lib/common/bytes.ts'
import { NO_HEADERS } from '../../lib/common/headers.ts'
import { partitionKey } from '../../lib/common/ids.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'

/**
 * A process to be killed: writes numbered transactions to a durable broker and prints `ack N` for each that
 * was acknowledged. Transaction N puts `COPIES` records of value N into both partitions of `data`, one into
 * the compacted `table`, and the offset N + 1; every third one is aborted first, with records that nobody may
 * ever see.
 */
const COPIES = 40
const [directory] = process.argv.slice(2)
const broker = await openEmbeddedBroker({ directory: present(directory, 'the directory argument') })
const admin = await broker.admin()
if ((await admin.listTopics()).length === 0) {
  await admin.createTopics([
    { topic: 'data', partitionCount: 2 },
    { topic: 'table', partitionCount: 1, config: { 'cleanup.policy': 'compact' } },
  ])
}
const source = { topic: 'data', partition: 0 }
const consumer = await broker.consumer({
  clientId: 'writer',
  isolation: 'read_committed',
  group: { groupId: 'writer' },
})
const producer = await broker.producer({ clientId: 'writer', transactionalId: 'writer' })
await producer.initTransactions()
const committed = await consumer.committed([source])
for (let n = committed.get(partitionKey('data', 0))?.offset ?? 0; ; n++) {
  if (n % 3 === 0) await write(`aborted ${n}`, () => producer.abortTransaction())
  await write(String(n), () => producer.commitTransaction(), n + 1)
  process.stdout.write(`ack ${n}\n`)
}

async function write(value: string, end: () => Promise<void>, offset?: number): Promise<void> {
  await producer.begin()
  for (let copy = 0; copy < COPIES; copy++) {
    for (const partition of [0, 1]) send('data', partition, value, `${copy}`)
    if (copy % 10 === 0) await producer.flush()
  }
  send('table', 0, value, `${value.length}`)
  if (offset !== undefined) await producer.sendOffsets([{ ...source, offset }], consumer)
  await end()
}

function send(topic: string, partition: number, value: string, key: string): void {
  producer.send({ topic, partition, key: utf8(key), value: utf8(value), timestamp: 1, headers: NO_HEADERS })
}
