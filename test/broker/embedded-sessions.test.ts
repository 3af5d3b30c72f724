import { expect, test } from 'vitest'
import type { Consumer, TopicPartition } from '../../lib/broker/broker.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { record, refusal } from '../conformance/broker/stage.ts'
import { createTopic, endOffset, openForTest, readAll } from './embedded-fixture.ts'

async function groupOf(count: number) {
  const clock = new ManualClock(1_000_000)
  const broker = await openForTest({ clock })
  await createTopic(broker, 't', {}, 2)
  const members: Consumer[] = []
  for (let index = 0; index < count; index++) {
    const group = { groupId: 'g', sessionTimeoutMs: 6_000 }
    const member = await broker.consumer({ clientId: `c${index}`, isolation: 'read_committed', group })
    member.subscribe(['t'], quietListener)
    members.push(member)
  }
  settle(members)
  return { clock, broker, members: members as [Consumer, Consumer] }
}

const quietListener = { assigned: () => undefined, revoked: () => undefined, lost: () => undefined }

/** Enough polls for every member to hear of everything: listeners here answer at once. */
function settle(members: readonly Consumer[]): void {
  for (let round = 0; round < 3; round++) for (const member of members) member.poll(1)
}

function names(partitions: readonly TopicPartition[]): number[] {
  return partitions.map(({ partition }) => partition).sort()
}

test('sessions: a silent member is evicted by the clock, a polling one is not', async () => {
  const { clock, members } = await groupOf(2)
  const [silent, alive] = members
  expect([silent.owned().length, alive.owned().length]).toEqual([1, 1])
  for (let second = 0; second < 10; second++) {
    clock.advance(1_000)
    alive.poll(1)
  }
  expect(names(alive.owned())).toEqual([0, 1])
  const offsets = silent.owned().map(each => ({ ...each, offset: 1 }))
  expect((await refusal(silent.commit(offsets))).class).toBe('task-migrated')
})

test('sessions: a member that was busy for longer than its session keeps its place', async () => {
  const { clock, members } = await groupOf(2)
  const [busy, alive] = members
  for (let second = 0; second < 5; second++) {
    clock.advance(1_000)
    alive.poll(1)
  }
  busy.poll(1)
  for (let second = 0; second < 5; second++) {
    clock.advance(1_000)
    alive.poll(1)
  }
  expect(busy.owned()).toHaveLength(1)
  expect(alive.owned()).toHaveLength(1)
})

test('sessions: evict makes a zombie at once', async () => {
  const { broker, members } = await groupOf(2)
  const [zombie, heir] = members
  broker.evict(zombie)
  heir.poll(1)
  expect(names(heir.owned())).toEqual([0, 1])
  const offset = { topic: 't', partition: 0, offset: 1 }
  expect((await refusal(zombie.commit([offset]))).class).toBe('task-migrated')
})

test('sessions: a transaction times out by the clock, and its producer is fenced', async () => {
  const { clock, broker } = await groupOf(0)
  const producer = await broker.producer({
    clientId: 'p',
    transactionalId: 'tx',
    transactionTimeoutMs: 5_000,
  })
  await producer.initTransactions()
  await producer.begin()
  producer.send(record('t', 'late'))
  await producer.flush()
  clock.advance(4_999)
  expect(await endOffset(broker, 't')).toBe(0)
  clock.advance(1)
  expect(await endOffset(broker, 't')).toBe(2)
  expect((await refusal(producer.commitTransaction())).class).toBe('fenced')
  expect(await readAll(broker, 't')).toEqual([])
})

test('sessions: a listener that fails is thrown by the next poll, and the partitions are given up', async () => {
  const { members } = await groupOf(1)
  const [first] = members
  expect(first.owned()).toHaveLength(2)
  await first.close()

  const broker = await openForTest()
  await createTopic(broker, 't')
  const group = { groupId: 'g' }
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed', group })
  consumer.subscribe(['t'], { ...quietListener, assigned: () => Promise.reject(new Error('no room')) })
  consumer.poll(1)
  await consumer.ready(1_000)
  expect(() => consumer.poll(1)).toThrow('no room')
})
