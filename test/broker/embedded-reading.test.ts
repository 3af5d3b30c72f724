import { expect, test } from 'vitest'
import { numbered, record, thrown, valueText } from '../conformance/broker/stage.ts'
import { createTopic, drain, openForTest } from './embedded-fixture.ts'

test('reading: partitions take turns also where a poll asks for fewer records than there are partitions', async () => {
  const broker = await openForTest()
  await createTopic(broker, 't', {}, 3)
  const producer = await broker.producer({ clientId: 'p' })
  for (const partition of [0, 1, 2]) {
    for (const value of numbered(5)) producer.send(record('t', value, { partition }))
  }
  await producer.flush()
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed' })
  consumer.assign([0, 1, 2].map(partition => ({ topic: 't', partition, offset: 0 })))
  const seen = [1, 2, 3].flatMap(() => consumer.poll(1).map(batch => batch.partition))
  expect(seen.sort()).toEqual([0, 1, 2])
})

test('reading: batches handed out do not change when the log grows', async () => {
  const broker = await openForTest()
  await createTopic(broker, 't')
  const producer = await broker.producer({ clientId: 'p' })
  for (const value of numbered(10)) producer.send(record('t', value))
  await producer.flush()
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed' })
  consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
  const [batch] = consumer.poll(100)
  for (const value of numbered(3_000, 'later')) producer.send(record('t', value))
  await producer.flush()
  expect(batch?.records.map(valueText)).toEqual(numbered(10))
  expect(drain(consumer)).toHaveLength(3_000)
})

test('reading: a topic deleted under a consumer is told once', async () => {
  const broker = await openForTest()
  await createTopic(broker, 't')
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed' })
  consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
  const ready = consumer.ready(60_000)
  await (await broker.admin()).deleteTopics(['t'])
  await ready
  expect(thrown(() => consumer.poll(1)).code).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  expect(consumer.poll(1)).toEqual([])
})

test('reading: a closed broker says so to those who still use it', async () => {
  const broker = await openForTest()
  await createTopic(broker, 't')
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed' })
  await broker.close()
  await broker.close()
  expect(thrown(() => consumer.poll(1)).code).toBe('CLIENT_CLOSED')
  await expect(broker.admin()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
})
