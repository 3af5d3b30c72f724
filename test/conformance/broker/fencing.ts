import { expect } from 'vitest'
import type { Scenario } from '../broker.ts'
import { record, refusal } from './stage.ts'

export function fencingCases(scenario: Scenario): void {
  scenario('initTransactions ends what an older producer left open, and refuses its commit', async stage => {
    const topic = await stage.topic()
    const transactionalId = stage.name('tx')
    const older = await stage.transactional({ transactionalId })
    await older.begin()
    older.send(record(topic, 'zombie'))
    await older.flush()

    const newer = await stage.transactional({ transactionalId })
    expect((await refusal(older.commitTransaction())).class).toBe('fenced')

    await newer.begin()
    newer.send(record(topic, 'alive'))
    await newer.commitTransaction()
    await stage.eventually('the newer transaction', async () => {
      expect(await stage.values(topic)).toEqual(['alive'])
      return true
    })
  })

  scenario('a fenced producer cannot write any more', async stage => {
    const topic = await stage.topic()
    const transactionalId = stage.name('tx')
    const older = await stage.transactional({ transactionalId })
    await older.begin()
    older.send(record(topic, 'first'))
    await older.flush()
    await stage.transactional({ transactionalId })

    const error = await refusal(
      (async () => {
        older.send(record(topic, 'zombie'))
        await older.flush()
        await older.commitTransaction()
      })(),
    )
    expect(error.class).toBe('fenced')
    expect(await stage.values(topic)).toEqual([])
  })

  scenario('a fenced producer cannot commit offsets', async stage => {
    const topic = await stage.topic()
    const groupId = stage.name('group')
    const consumer = await stage.groupConsumer(groupId)
    const transactionalId = stage.name('tx')
    const older = await stage.transactional({ transactionalId })
    await stage.transactional({ transactionalId })

    const error = await refusal(
      (async () => {
        await older.begin()
        await older.sendOffsets([{ topic, partition: 0, offset: 5 }], consumer)
        await older.commitTransaction()
      })(),
    )
    expect(error.class).toBe('fenced')
    expect(await stage.groupOffset(groupId, topic)).toBeUndefined()
  })

  scenario('a transaction that stays open too long is aborted, and its late commit refused', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional({ transactionTimeoutMs: 300 })
    await producer.begin()
    producer.send(record(topic, 'too late'))
    await producer.flush()
    expect(await stage.end(topic)).toBe(0)
    await stage.eventually('the abort', () => stage.end(topic).then(end => end >= 2))

    const error = await refusal(producer.commitTransaction())
    expect(['fenced', 'fatal', 'abortable']).toContain(error.class)
    expect(await stage.values(topic)).toEqual([])
  })
}
