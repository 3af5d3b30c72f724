import { expect } from 'vitest'
import type { Scenario } from '../broker.ts'
import { record, refusal } from './stage.ts'

export function transactionalOffsetCases(scenario: Scenario): void {
  scenario('offsets in a transaction count with its commit', async stage => {
    const topic = await stage.topic()
    const groupId = stage.name('group')
    const consumer = await stage.groupConsumer(groupId)
    const producer = await stage.transactional()
    await producer.begin()
    producer.send(record(topic, 'a'))
    await producer.sendOffsets([{ topic, partition: 0, offset: 7, metadata: 'm' }], consumer)
    expect(await stage.groupOffset(groupId, topic)).toBeUndefined()
    await producer.commitTransaction()

    const offsets = await consumer.committed([{ topic, partition: 0 }])
    expect([...offsets.values()]).toMatchObject([{ topic, partition: 0, offset: 7, metadata: 'm' }])
  })

  scenario('offsets in a transaction that is aborted never count', async stage => {
    const topic = await stage.topic()
    const consumer = await stage.groupConsumer()
    await consumer.commit([{ topic, partition: 0, offset: 3 }])
    const producer = await stage.transactional()
    await producer.begin()
    await producer.sendOffsets([{ topic, partition: 0, offset: 7 }], consumer)
    await producer.abortTransaction()

    const offsets = await consumer.committed([{ topic, partition: 0 }])
    expect([...offsets.values()]).toMatchObject([{ offset: 3 }])
  })

  scenario('the last offset of a transaction wins', async stage => {
    const topic = await stage.topic()
    const consumer = await stage.groupConsumer()
    const producer = await stage.transactional()
    await producer.begin()
    await producer.sendOffsets([{ topic, partition: 0, offset: 7 }], consumer)
    await producer.sendOffsets([{ topic, partition: 0, offset: 9 }], consumer)
    await producer.commitTransaction()

    const offsets = await consumer.committed([{ topic, partition: 0 }])
    expect([...offsets.values()]).toMatchObject([{ offset: 9 }])
  })

  scenario('reading committed offsets waits while they are undecided, up to its limit', async stage => {
    const topic = await stage.topic(2)
    const consumer = await stage.groupConsumer()
    const producer = await stage.transactional()
    await producer.begin()
    await producer.sendOffsets([{ topic, partition: 0, offset: 7 }], consumer)

    const error = await refusal(consumer.committed([{ topic, partition: 0 }], { timeoutMs: 300 }))
    expect(error).toMatchObject({ code: 'UNSTABLE_OFFSET_COMMIT', class: 'retriable' })
    expect((await consumer.committed([{ topic, partition: 1 }])).size).toBe(0)

    let answered = false
    const waiting = consumer.committed([{ topic, partition: 0 }]).then(offsets => {
      answered = true
      return offsets
    })
    await stage.end(topic)
    expect(answered).toBe(false)
    await producer.commitTransaction()
    expect([...(await waiting).values()]).toMatchObject([{ offset: 7 }])
  })
}
