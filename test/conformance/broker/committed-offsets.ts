import { expect } from 'vitest'
import { partitionKey } from '../../../lib/common/ids.ts'
import type { Scenario } from '../broker.ts'
import { refusal } from './stage.ts'

export function committedOffsetCases(scenario: Scenario): void {
  scenario('a committed offset is read back with its metadata, by any consumer of the group', async stage => {
    const topic = await stage.topic(3)
    const groupId = stage.name('group')
    const consumer = await stage.groupConsumer(groupId)
    await consumer.commit([
      { topic, partition: 0, offset: 5, metadata: 'AgAAAYqXyzc=' },
      { topic, partition: 2, offset: 0 },
    ])

    const other = await stage.groupConsumer(groupId)
    const offsets = await other.committed([0, 1, 2].map(partition => ({ topic, partition })))
    expect([...offsets.keys()].sort()).toEqual([partitionKey(topic, 0), partitionKey(topic, 2)])
    expect(offsets.get(partitionKey(topic, 0))).toMatchObject({ offset: 5, metadata: 'AgAAAYqXyzc=' })
    expect(offsets.get(partitionKey(topic, 2))).toMatchObject({ topic, partition: 2, offset: 0 })
  })

  scenario('a later commit replaces the offset, backwards, too', async stage => {
    const topic = await stage.topic()
    const groupId = stage.name('group')
    const consumer = await stage.groupConsumer(groupId)
    for (const offset of [5, 9, 3]) await consumer.commit([{ topic, partition: 0, offset }])

    expect(await stage.groupOffset(groupId, topic)).toBe(3)
  })

  scenario('a commit that names a partition which does not exist is refused, naming it', async stage => {
    const topic = await stage.topic(1)
    const consumer = await stage.groupConsumer()
    const offsets = [0, 7].map(partition => ({ topic, partition, offset: 1 }))

    const error = await refusal(consumer.commit(offsets))

    expect(error).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION', class: 'topic-missing' })
    expect(error.partitions).toContainEqual(expect.objectContaining({ topic, partition: 7 }))
    expect(error.message).toContain(partitionKey(topic, 7))
    // The one that it refused is not the next one's failure.
    await consumer.commit([{ topic, partition: 0, offset: 2 }])
  })

  scenario('groups keep their offsets apart', async stage => {
    const topic = await stage.topic()
    const [left, right] = [stage.name('group'), stage.name('group')]
    await (await stage.groupConsumer(left)).commit([{ topic, partition: 0, offset: 1 }])

    expect(await stage.groupOffset(left, topic)).toBe(1)
    expect(await stage.groupOffset(right, topic)).toBeUndefined()
  })
}
