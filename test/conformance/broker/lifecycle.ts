import { expect } from 'vitest'
import type { Scenario } from '../broker.ts'
import { record, refusal, thrown } from './stage.ts'

export function lifecycleCases(scenario: Scenario): void {
  scenario('a closed consumer says so', async stage => {
    const topic = await stage.topic()
    const consumer = await stage.groupConsumer()
    const partitions = [{ topic, partition: 0, offset: 0 }]
    await consumer.close()
    await consumer.close()

    expect(thrown(() => consumer.poll(1)).code).toBe('CLIENT_CLOSED')
    expect(thrown(() => consumer.assign(partitions)).code).toBe('CLIENT_CLOSED')
    expect((await refusal(consumer.commit(partitions))).code).toBe('CLIENT_CLOSED')
    expect((await refusal(consumer.committed(partitions))).code).toBe('CLIENT_CLOSED')
    expect(consumer.owned()).toEqual([])
  })

  scenario('a closed producer says so', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional()
    await producer.close()
    await producer.close()

    expect(thrown(() => producer.send(record(topic, 'late'))).code).toBe('CLIENT_CLOSED')
    expect((await refusal(producer.flush())).code).toBe('CLIENT_CLOSED')
    expect((await refusal(producer.begin())).code).toBe('CLIENT_CLOSED')
  })

  scenario('a closed admin says so', async stage => {
    const admin = await stage.broker.admin()
    await admin.close()
    await admin.close()
    expect((await refusal(admin.listTopics())).code).toBe('CLIENT_CLOSED')
  })

  scenario('a consumer without a group cannot subscribe or commit', async stage => {
    const topic = await stage.topic()
    const consumer = await stage.consumer()
    const listener = { assigned: () => undefined, revoked: () => undefined, lost: () => undefined }
    expect(() => consumer.subscribe([topic], listener)).toThrow(/group/)
    await expect(consumer.commit([{ topic, partition: 0, offset: 1 }])).rejects.toThrow(/group/)
  })

  scenario('a transaction needs its steps in order', async stage => {
    const topic = await stage.topic()
    const plain = await stage.producer()
    await expect(plain.begin()).rejects.toThrow()
    const producer = await stage.producer({ transactionalId: stage.name('tx') })
    await expect(producer.begin()).rejects.toThrow()
    await producer.initTransactions()
    expect(() => producer.send(record(topic, 'outside'))).toThrow()
    await expect(producer.commitTransaction()).rejects.toThrow()
  })
}
