import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Consumer, IsolationLevel, RawRecord } from '../../lib/broker/broker.ts'
import type { EmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { type EmbeddedBrokerOptions, openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { present } from '../../lib/common/assert.ts'
import { partitionKey } from '../../lib/common/ids.ts'

/** A broker that is closed when the test is over. */
export async function openForTest(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const broker = await openEmbeddedBroker(options)
  onTestFinished(() => broker.close())
  return broker
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'embedded-broker-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export async function createTopic(
  broker: EmbeddedBroker,
  topic: string,
  config: { readonly [name: string]: string } = {},
  partitionCount = 1,
): Promise<void> {
  const admin = await broker.admin()
  await admin.createTopics([{ topic, partitionCount, config }])
}

export async function endOffset(
  broker: EmbeddedBroker,
  topic: string,
  isolation: IsolationLevel = 'read_committed',
  partition = 0,
): Promise<number> {
  const ends = await (await broker.admin()).endOffsets([{ topic, partition }], isolation)
  return present(ends.get(partitionKey(topic, partition)), 'end offset')
}

export async function beginningOffset(broker: EmbeddedBroker, topic: string): Promise<number> {
  const offsets = await (await broker.admin()).beginningOffsets([{ topic, partition: 0 }])
  return present(offsets.get(partitionKey(topic, 0)), 'first offset')
}

/** All records of a partition that are visible now: the embedded broker answers a poll at once. */
export async function readAll(
  broker: EmbeddedBroker,
  topic: string,
  isolation: IsolationLevel = 'read_committed',
  partition = 0,
): Promise<RawRecord[]> {
  const consumer = await broker.consumer({ clientId: 'reader', isolation })
  consumer.assign([{ topic, partition, offset: await beginningOffset(broker, topic) }])
  const records = drain(consumer)
  await consumer.close()
  return records
}

export function drain(consumer: Consumer): RawRecord[] {
  const records: RawRecord[] = []
  for (let batches = consumer.poll(10_000); batches.length > 0; batches = consumer.poll(10_000)) {
    for (const batch of batches) for (const record of batch.records) records.push(record)
  }
  return records
}
