import { describe, expect, onTestFinished, test } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { AssignmentListener, TopicPartition } from '../../lib/broker/broker.ts'
import type { Fetcher } from '../../lib/broker/kafka/client/fetch/fetcher.ts'
import { NativeGroupMember } from '../../lib/broker/kafka/native/native-group-member.ts'
import type { GroupQueries } from '../../lib/broker/kafka/client/groups/group-queries.ts'
import { KafkaConsumer } from '../../lib/broker/kafka/native/kafka-consumer.ts'
import type { NativeError } from '../../lib/broker/kafka/native/native-client.ts'
import { WakeUp } from '../../lib/broker/kafka/native/wake-up.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { refusal, thrown } from '../conformance/broker/stage.ts'
import { eventually } from '../support/eventually.ts'
import { FakeNativeConsumer } from './fake-native-consumer.ts'

const ASSIGN = nativeError(-175, 'assign')
const REVOKE = nativeError(-174, 'revoke')
const [LEFT, RIGHT] = [0, 1].map(partition => ({ topic: 'in', partition })) as [
  TopicPartition,
  TopicPartition,
]

describe('a member whose native client throws where it gives partitions up', () => {
  test('tells its owner, owns nothing any more, and closes', async () => {
    const { native, member, consumer } = stage()
    own(consumer, member, [LEFT, RIGHT])
    native.throwing.add('incrementalUnassign')

    member.onRebalance(REVOKE, [RIGHT])
    const error = await eventually(() => errorOf(consumer), { what: 'the error' })

    expect(error).toMatchObject({ code: 'ASSIGNMENT_LOST', class: 'task-migrated' })
    expect(error.message).toContain('incrementalUnassign failed')
    expect(consumer.owned()).toEqual([])
    expect(native.assignments()).toEqual([])
    expect(native.calls.at(-1)).toBe('unassign')
    expect(consumer.poll(10)).toEqual([])
    await closed(consumer, native)
  })

  test.each(['incrementalUnassign', 'assignments'] as const)(
    'is asked to give up everything, which throws as well: both errors are told, %s first',
    async first => {
      const { native, member, consumer, listener } = stage()
      own(consumer, member, [LEFT, RIGHT])
      listener.holdRevoked()
      native.throwing.add(first).add('unassign')

      member.onRebalance(REVOKE, [LEFT])
      consumer.poll(10)
      expect(consumer.owned()).toEqual([LEFT, RIGHT])
      // From here on nobody is below who would catch: the promise of the listener settles in a turn of its
      // own.
      listener.letGo()

      const told = [
        await eventually(() => errorOf(consumer), { what: 'the first error' }),
        await eventually(() => errorOf(consumer), { what: 'the second error' }),
      ]
      expect(told.map(({ message }) => message.split(' failed')[0])).toEqual([first, 'unassign'])
      expect(told[0]).toMatchObject({ code: 'ASSIGNMENT_LOST', class: 'task-migrated' })
      expect(consumer.owned()).toEqual([])
      await closed(consumer, native)
    },
  )

  test('does not take up what it was assigned before, and had not told yet', async () => {
    const { native, member, consumer, listener } = stage()
    own(consumer, member, [LEFT])
    listener.holdRevoked()
    native.throwing.add('incrementalUnassign')
    member.onRebalance(REVOKE, [LEFT])
    consumer.poll(10)
    member.onRebalance(ASSIGN, [RIGHT])
    listener.letGo()

    expect(await eventually(() => errorOf(consumer), { what: 'the error' })).toMatchObject({
      code: 'ASSIGNMENT_LOST',
    })
    expect(consumer.owned()).toEqual([])
    expect(listener.told).toEqual(['assigned in-0', 'revoked in-0'])
    await closed(consumer, native)
  })

  test.each(['incrementalUnassign', 'assignments', 'unsubscribe'] as const)(
    'closes all the same where %s throws while it leaves',
    async name => {
      const { native, member, consumer } = stage()
      own(consumer, member, [LEFT])
      native.throwing.add(name).add('unassign')
      member.onRebalance(REVOKE, [LEFT])

      await closed(consumer, native)
      expect(consumer.owned()).toEqual([])
    },
  )
})

describe('an answer to a commit that refuses the offsets of a partition', () => {
  const at = (place: TopicPartition, offset: number) => ({ ...place, offset })

  test.each([
    { code: 3, errorClass: 'topic-missing' },
    { code: 14, errorClass: 'retriable' },
    { code: 22, errorClass: 'task-migrated' },
    { code: 29, errorClass: 'authorization' },
  ])('fails the commit, naming its partitions: $code is $errorClass', async ({ code, errorClass }) => {
    const { member, consumer } = stage()
    const committing = refusal(consumer.commit([at(LEFT, 5), at(RIGHT, 6)]))
    // Which of them, the client does not tell.
    member.onCommitted(nativeError(code, 'refused'), [at(LEFT, 5), at(RIGHT, 6)])

    const error = await committing
    expect(error).toMatchObject({ class: errorClass, partitions: [LEFT, RIGHT] })
    expect(error.message).toContain('committing offsets of in-0, in-1')
    await consumer.close()
  })

  test('names ten partitions, and counts the others', async () => {
    const { member, consumer } = stage()
    const offsets = Array.from({ length: 12 }, (_, partition) => at({ topic: 'in', partition }, 1))
    const committing = refusal(consumer.commit(offsets))
    member.onCommitted(nativeError(14, 'refused'), offsets)
    expect((await committing).message).toMatch(/in-0, .*, in-9, and 2 more$/)
    await consumer.close()
  })

  test('is not the answer to another commit under way', async () => {
    const { member, consumer } = stage()
    const first = consumer.commit([at(LEFT, 5)])
    const second = refusal(consumer.commit([at(LEFT, 6)]))
    member.onCommitted(nativeError(14, 'refused'), [at(LEFT, 6)])
    expect((await second).partitions).toMatchObject([LEFT])

    member.onCommitted(undefined, [at(LEFT, 5)])
    await first
    await consumer.close()
  })

  test('nor is it needed where the client throws', async () => {
    const { native, consumer } = stage()
    native.throwing.add('commit')
    expect((await refusal(consumer.commit([at(LEFT, 5)]))).message).toContain('commit failed')
    await consumer.close()
  })
})

/** Tells what it is told; `revoked` may be held back. */
class Listener implements AssignmentListener {
  readonly told: string[] = []
  #release: (() => void) | undefined
  #holds = false

  holdRevoked(): void {
    this.#holds = true
  }

  letGo(): void {
    this.#release?.()
  }

  assigned(partitions: readonly TopicPartition[]): void {
    this.#notify('assigned', partitions)
  }

  revoked(partitions: readonly TopicPartition[]): Promise<void> | undefined {
    this.#notify('revoked', partitions)
    return this.#holds ? new Promise(resolve => (this.#release = resolve)) : undefined
  }

  lost(partitions: readonly TopicPartition[]): void {
    this.#notify('lost', partitions)
  }

  #notify(what: string, partitions: readonly TopicPartition[]): void {
    this.told.push(...partitions.map(({ topic, partition }) => `${what} ${topic}-${partition}`))
  }
}

function stage() {
  const native = new FakeNativeConsumer()
  const wakeUp = new WakeUp(systemClock)
  const member = new NativeGroupMember(native.asNative, systemClock, () => wakeUp.wake())
  const consumer = new KafkaConsumer({
    clock: systemClock,
    groups: {} as GroupQueries,
    fetcher: IDLE,
    member,
    groupId: 'group',
    wakeUp,
    disconnect: () => Promise.resolve(),
  })
  const listener = new Listener()
  consumer.subscribe(['in'], listener)
  onTestFinished(() => consumer.close())
  return { native, member, consumer, listener }
}

const IDLE = {
  hasData: false,
  hasError: false,
  takeError: () => undefined,
  poll: () => [],
  tick: () => undefined,
  close: () => Promise.resolve(),
} as unknown as Fetcher

function own(
  consumer: KafkaConsumer,
  member: NativeGroupMember,
  partitions: readonly TopicPartition[],
): void {
  member.onRebalance(ASSIGN, partitions)
  consumer.poll(10)
  expect(consumer.owned()).toEqual(partitions)
}

/** What `poll` throws; undefined where it throws nothing. */
function errorOf(consumer: KafkaConsumer): BrokerError | undefined {
  const error = thrown(() => {
    consumer.poll(10)
    throw new BrokerError('NONE', 'fatal', '')
  })
  return error.code === 'NONE' ? undefined : error
}

async function closed(consumer: KafkaConsumer, native: FakeNativeConsumer): Promise<void> {
  await consumer.close()
  expect(native.isDisconnected).toBe(true)
}

function nativeError(code: number, message: string): NativeError {
  return Object.assign(new Error(message), { code }) as NativeError
}
