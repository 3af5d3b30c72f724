import { expect } from 'vitest'
import { partitionKey } from '../../../lib/common/ids.ts'
import type { Scenario } from '../broker.ts'
import type { Member } from './member.ts'
import { numbered, record, refusal, type Stage, valueText } from './stage.ts'

export function groupCases(scenario: Scenario): void {
  scenario('a single member gets everything, and nothing is read before it is assigned', async stage => {
    const topic = await stage.topic(4)
    const producer = await stage.producer()
    producer.send(record(topic, 'waiting'))
    await producer.flush()
    const member = await stage.member(stage.name('group'), [topic])
    await owns(stage, [member], 4)

    expect(member.owned()).toEqual(keys(topic, 4))
    expect(member.consumer.position({ topic, partition: 0 })).toBeUndefined()
  })

  scenario('a member owns, assigns, reads and commits', async stage => {
    const topic = await stage.topic(2)
    const producer = await stage.producer()
    for (const value of numbered(20)) {
      producer.send(record(topic, value, { partition: Number(value.slice(1)) % 2 }))
    }
    await producer.flush()
    const groupId = stage.name('group')
    const member = await stage.member(groupId, [topic])
    await owns(stage, [member], 2)
    await member.silence()
    member.consumer.assign(member.consumer.owned().map(each => ({ ...each, offset: 0 })))

    expect((await stage.read(member.consumer, 20)).map(valueText).sort()).toEqual(numbered(20).sort())
    await member.consumer.commit(member.consumer.owned().map(each => ({ ...each, offset: 10 })))
    expect(await stage.groupOffset(groupId, topic, 1)).toBe(10)
  })

  scenario('a second member gets its share only when the first has let go of it', async stage => {
    const topic = await stage.topic(4)
    const groupId = stage.name('group')
    const first = await stage.member(groupId, [topic])
    await owns(stage, [first], 4)
    const gate = openGate()
    first.holdRevoked = gate.opened

    const second = await stage.member(groupId, [topic])
    await stage.eventually('the revocation', () => first.heard('revoked'))
    await first.consumer.commit([{ topic, partition: 0, offset: 1 }])
    expect(second.owned()).toEqual([])
    expect(first.owned()).toHaveLength(4)
    gate.open()

    await owns(stage, [first, second], 4)
    await stage.eventually('an even share', () => first.owned().length === 2 && second.owned().length === 2)
    expect([...first.owned(), ...second.owned()].sort()).toEqual(keys(topic, 4))
    expect(first.events.filter(line => line.startsWith('revoked'))).toHaveLength(1)
  })

  scenario('members come and go, and no partition is ever owned twice or left over', async stage => {
    const topic = await stage.topic(6)
    const groupId = stage.name('group')
    const first = await stage.member(groupId, [topic])
    await owns(stage, [first], 6)
    const second = await stage.member(groupId, [topic])
    const third = await stage.member(groupId, [topic])
    await stage.eventually('two each', () =>
      [first, second, third].every(member => member.owned().length === 2),
    )

    await first.close()
    await owns(stage, [second, third], 6)
    await stage.eventually('three each', () => [second, third].every(each => each.owned().length === 3))
    await third.close()
    await owns(stage, [second], 6)
    stage.ownership.verify()
    expect([first.error, second.error, third.error]).toEqual([undefined, undefined, undefined])
  })

  scenario('a group of two topics shares both', async stage => {
    const [left, right] = [await stage.topic(3), await stage.topic(2)]
    const groupId = stage.name('group')
    const first = await stage.member(groupId, [left, right])
    await owns(stage, [first], 5)
    expect(first.owned()).toEqual([...keys(left, 3), ...keys(right, 2)].sort())

    const second = await stage.member(groupId, [left, right])
    await owns(stage, [first, second], 5)
    await stage.eventually('a share for each', () => [first, second].every(each => each.owned().length >= 2))
  })

  scenario('a consumer outside may not commit for a group that has members', async stage => {
    const topic = await stage.topic()
    const groupId = stage.name('group')
    await owns(stage, [await stage.member(groupId, [topic])], 1)
    const outside = await stage.groupConsumer(groupId)

    const error = await refusal(outside.commit([{ topic, partition: 0, offset: 1 }]))
    expect(error.class).toBe('task-migrated')
  })

  scenario('a group is described by its members and can be deleted when they are gone', async stage => {
    const topic = await stage.topic(2)
    const groupId = stage.name('group')
    const member = await stage.member(groupId, [topic], { clientId: 'who-am-i' })
    await owns(stage, [member], 2)
    const admin = await stage.admin()
    const described = await stage.eventually('a stable group', async () => {
      const group = await admin.describeGroup(groupId)
      return group.state === 'stable' && group
    })
    expect(described.members).toMatchObject([{ clientId: 'who-am-i' }])
    expect(
      described.members[0]?.partitions.map(each => partitionKey(each.topic, each.partition)).sort(),
    ).toEqual(keys(topic, 2))
    await member.consumer.commit([{ topic, partition: 0, offset: 4 }])
    expect((await refusal(admin.deleteGroup(groupId))).code).toBe('NON_EMPTY_GROUP')

    await member.close()
    await stage.eventually('an empty group', async () => {
      return (await admin.describeGroup(groupId)).state === 'empty'
    })
    await admin.deleteGroup(groupId)
    expect((await admin.describeGroup(groupId)).state).toBe('dead')
    expect(await stage.groupOffset(groupId, topic)).toBeUndefined()
  })
}

/** Waits until the members together own that many partitions. */
async function owns(stage: Stage, members: readonly Member[], count: number): Promise<void> {
  await stage.eventually(`${count} partitions owned`, () => {
    const total = members.reduce((sum, member) => sum + member.owned().length, 0)
    if (total !== count) throw new Error(`${total} are owned`)
    return true
  })
}

function keys(topic: string, partitionCount: number): string[] {
  return Array.from({ length: partitionCount }, (_, partition) => partitionKey(topic, partition))
}

function openGate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => undefined as void
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open: () => open() }
}
