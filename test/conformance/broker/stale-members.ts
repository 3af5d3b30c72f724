import { expect } from 'vitest'
import type { Scenario } from '../broker.ts'
import type { Member } from './member.ts'
import { record, refusal, type Stage } from './stage.ts'

export function staleMemberCases(scenario: Scenario): void {
  scenario('the partitions of a member that falls silent go to another', async stage => {
    const { topic, groupId, zombie } = await silentMember(stage)
    const heir = await stage.member(groupId, [topic])
    await stage.eventually('the takeover', () => heir.owned().length === 2)
    expect(zombie.consumer.owned().length).toBeLessThanOrEqual(2)
  })

  scenario('a member that was evicted cannot commit', async stage => {
    const { topic, groupId, zombie } = await silentMember(stage)
    const heir = await stage.member(groupId, [topic])
    await stage.eventually('the takeover', () => heir.owned().length === 2)

    const error = await refusal(zombie.consumer.commit([{ topic, partition: 0, offset: 9 }]))
    expect(error.class).toBe('task-migrated')
    expect(await stage.groupOffset(groupId, topic)).toBeUndefined()
  })

  scenario('a transaction with the offsets of an evicted member is refused, and aborts', async stage => {
    const { topic, groupId, zombie } = await silentMember(stage)
    const heir = await stage.member(groupId, [topic])
    await stage.eventually('the takeover', () => heir.owned().length === 2)

    const producer = await stage.transactional({ transactionTimeoutMs: 60_000 })
    await producer.begin()
    producer.send(record(topic, 'zombie'))
    const offsets = [{ topic, partition: 0, offset: 9 }]
    expect((await refusal(producer.sendOffsets(offsets, zombie.consumer))).class).toBe('task-migrated')
    await producer.abortTransaction()

    await producer.begin()
    producer.send(record(topic, 'alive'))
    await producer.sendOffsets([{ topic, partition: 0, offset: 1 }], heir.consumer)
    await producer.commitTransaction()
    await stage.eventually('the second transaction', async () => {
      expect(await stage.values(topic)).toEqual(['alive'])
      expect(await stage.groupOffset(groupId, topic)).toBe(1)
      return true
    })
  })

  scenario('an evicted member that polls again learns what it lost, and joins anew', async stage => {
    const { topic, groupId, zombie } = await silentMember(stage)
    const heir = await stage.member(groupId, [topic])
    await stage.eventually('the takeover', () => heir.owned().length === 2)

    zombie.wake()
    await stage.eventually('the loss', () => zombie.heard('lost'))
    await stage.eventually('one each', () => zombie.owned().length === 1 && heir.owned().length === 1)
    await zombie.consumer.commit(zombie.consumer.owned().map(each => ({ ...each, offset: 2 })))
  })
}

/** A member that owned both partitions of a topic and then stopped polling. */
async function silentMember(stage: Stage): Promise<{ topic: string; groupId: string; zombie: Member }> {
  const { sessionTimeoutMsMin } = stage.capabilities
  const topic = await stage.topic(2)
  const groupId = stage.name('group')
  const zombie = await stage.member(groupId, [topic], {
    sessionTimeoutMs: sessionTimeoutMsMin,
    pollIntervalMsMax: sessionTimeoutMsMin,
  })
  await stage.eventually('its partitions', () => zombie.owned().length === 2)
  await zombie.silence()
  return { topic, groupId, zombie }
}
