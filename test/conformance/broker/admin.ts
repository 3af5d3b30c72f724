import { expect } from 'vitest'
import { partitionKey } from '../../../lib/common/ids.ts'
import type { Scenario } from '../broker.ts'
import { numbered, record, refusal, thrown, valueText } from './stage.ts'

export function adminCases(scenario: Scenario): void {
  scenario('a topic that was created is listed and described', async stage => {
    const topic = await stage.topic(3, { 'cleanup.policy': 'compact' })
    const admin = await stage.admin()
    await stage.eventually('the topic in the list', async () => (await admin.listTopics()).includes(topic))

    const described = await admin.describeTopics([topic, stage.name('nowhere')])
    expect([...described.keys()]).toEqual([topic])
    expect(described.get(topic)).toMatchObject({ topic, partitionCount: 3 })
    const config = described.get(topic)?.config
    if (config) expect(config['cleanup.policy']).toBe('compact')
  })

  scenario('a topic has an id, which is another after it was made again', async stage => {
    const topic = await stage.topic()
    const admin = await stage.admin()
    const idOf = async () => (await admin.describeTopics([topic])).get(topic)?.topicId
    const first = await idOf()
    expect(first).toEqual(expect.any(String))
    expect(await idOf()).toBe(first)
    const other = await stage.topic()
    expect((await admin.describeTopics([other])).get(other)?.topicId).not.toBe(first)
    await admin.deleteTopics([topic])
    const second = await stage.eventually('the topic made again', async () => {
      await admin.createTopics([{ topic, partitionCount: 1 }])
      return idOf()
    })
    expect(second).not.toBe(first)
  })

  scenario('settings of topics, those that were given and those of the broker', async stage => {
    const given = await stage.topic(1, { 'delete.retention.ms': '1234', 'cleanup.policy': 'compact,delete' })
    const plain = await stage.topic()
    const admin = await stage.admin()
    const names = ['delete.retention.ms', 'cleanup.policy']
    const settings = await admin.topicSettings([given, plain, stage.name('nowhere')], names)
    const [first, second] = [settings.get(given)!, settings.get(plain)!]
    expect(Object.fromEntries(first)).toEqual({
      'delete.retention.ms': '1234',
      'cleanup.policy': expect.stringMatching(/^(compact,delete|delete,compact)$/),
    })
    expect(Object.fromEntries(second)).toEqual({
      'delete.retention.ms': '86400000',
      'cleanup.policy': 'delete',
    })
    expect([...settings.keys()].sort()).toEqual([given, plain].sort())
    expect((await admin.topicSettings([], names)).size).toBe(0)
  })

  scenario('a topic can be written to as soon as createTopics resolves', async stage => {
    const producer = await stage.producer()
    const topic = await stage.topic(2)
    producer.send(record(topic, 'at once', { partition: 1 }))
    await producer.flush()
    expect(await stage.values(topic, 'read_committed', 1)).toEqual(['at once'])
  })

  scenario('a topic cannot be created twice', async stage => {
    const topic = await stage.topic()
    const admin = await stage.admin()
    const error = await refusal(admin.createTopics([{ topic, partitionCount: 1 }]))
    expect(error.code).toBe('TOPIC_ALREADY_EXISTS')
  })

  scenario('a deleted topic is gone, and its name can be used again, empty', async stage => {
    const topic = await stage.topic()
    const admin = await stage.admin()
    const producer = await stage.producer()
    producer.send(record(topic, 'old'))
    await producer.flush()
    await admin.deleteTopics([topic])
    await stage.eventually('the end of the topic', async () => {
      return !(await admin.listTopics()).includes(topic) && (await admin.describeTopics([topic])).size === 0
    })

    await stage.eventually('the name', async () => {
      await admin.createTopics([{ topic, partitionCount: 1 }])
      return true
    })
    expect(await stage.end(topic)).toBe(0)
    const unknown = stage.name('nowhere')
    expect((await refusal(admin.deleteTopics([unknown]))).code).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })

  scenario('first and last offsets, for several partitions at once', async stage => {
    const topic = await stage.topic(2)
    const producer = await stage.producer()
    for (const value of numbered(5)) producer.send(record(topic, value, { partition: 1 }))
    await producer.flush()
    const admin = await stage.admin()
    const partitions = [0, 1].map(partition => ({ topic, partition }))

    const [first, last] = [partitionKey(topic, 0), partitionKey(topic, 1)]
    expect(Object.fromEntries(await admin.beginningOffsets(partitions))).toEqual({ [first]: 0, [last]: 0 })
    const ends = await admin.endOffsets(partitions, 'read_uncommitted')
    expect(Object.fromEntries(ends)).toEqual({ [first]: 0, [last]: 5 })
  })

  scenario('deleteRecords moves the beginning; reading before it is out of range', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    for (const value of numbered(10)) producer.send(record(topic, value))
    await producer.flush()
    const admin = await stage.admin()
    await admin.deleteRecords([{ topic, partition: 0, offset: 6 }])
    expect(await stage.beginning(topic)).toBe(6)

    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 3 }])
    const error = await stage.eventually('the refusal', async () => {
      await consumer.ready(20)
      try {
        consumer.poll(10)
      } catch (reason) {
        return thrown(() => {
          throw reason
        })
      }
      return undefined
    })
    expect(error.code).toBe('OFFSET_OUT_OF_RANGE')
    consumer.assign([{ topic, partition: 0, offset: 6 }])
    expect((await stage.read(consumer, 4)).map(valueText)).toEqual(['v6', 'v7', 'v8', 'v9'])
  })

  scenario('an unknown group is dead and has no offsets', async stage => {
    const topic = await stage.topic()
    const admin = await stage.admin()
    const groupId = stage.name('group')
    expect(await admin.describeGroup(groupId)).toMatchObject({ groupId, state: 'dead', members: [] })
    expect(await stage.groupOffset(groupId, topic)).toBeUndefined()
    await refusal(admin.deleteGroup(groupId))
  })
}
