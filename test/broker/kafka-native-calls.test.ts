import { describe, expect, onTestFinished, test } from 'vitest'
import type { OffsetToCommit } from '../../lib/broker/broker.ts'
import type { Fetcher } from '../../lib/broker/kafka/client/fetch/fetcher.ts'
import { NativeGroupMember } from '../../lib/broker/kafka/native/native-group-member.ts'
import type { GroupQueries } from '../../lib/broker/kafka/client/groups/group-queries.ts'
import { KafkaConsumer } from '../../lib/broker/kafka/native/kafka-consumer.ts'
import { LibrdkafkaProducer } from '../../lib/broker/kafka/native/librdkafka-producer.ts'
import type { NativeCallback, NativeProducer } from '../../lib/broker/kafka/native/native-client.ts'
import { NativeTransactionControl } from '../../lib/broker/kafka/native/native-transaction-control.ts'
import { WakeUp } from '../../lib/broker/kafka/native/wake-up.ts'
import type { Clock } from '../../lib/common/clock.ts'
import { eventually } from '../support/eventually.ts'
import { fastClock } from '../support/fast-clock.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { FakeNativeConsumer } from './fake-native-consumer.ts'

const OFFSETS: readonly OffsetToCommit[] = [{ topic: 'in', partition: 0, offset: 7 }]

/** A native producer that answers nothing until it is told to. */
class SilentProducer {
  readonly waiting: NativeCallback[] = []
  isDisconnected = false

  on(): void {
    // Nothing is told.
  }

  initTransactions(_timeoutMs: number, callback: NativeCallback): void {
    this.waiting.push(callback)
  }

  beginTransaction(callback: NativeCallback): void {
    this.waiting.push(callback)
  }

  sendOffsetsToTransaction(_: unknown, __: unknown, _timeoutMs: number, callback: NativeCallback): void {
    this.waiting.push(callback)
  }

  commitTransaction(_timeoutMs: number, callback: NativeCallback): void {
    this.waiting.push(callback)
  }

  abortTransaction(_timeoutMs: number, callback: NativeCallback): void {
    this.waiting.push(callback)
  }

  flush(_timeoutMs: number, callback: NativeCallback): void {
    this.waiting.push(callback)
  }

  disconnect(_timeoutMs: number, callback: () => void): void {
    this.isDisconnected = true
    setImmediate(callback)
  }

  answer(): void {
    for (const callback of this.waiting.splice(0)) callback(null, undefined)
  }
}

function stage(clock: Clock) {
  const native = new SilentProducer()
  const nativeConsumer = new FakeNativeConsumer()
  const wakeUp = new WakeUp(clock)
  const member = new NativeGroupMember(nativeConsumer.asNative, clock, () => wakeUp.wake())
  const consumer = new KafkaConsumer({
    clock,
    groups: {} as GroupQueries,
    fetcher: { close: () => Promise.resolve() } as unknown as Fetcher,
    member,
    groupId: 'group',
    wakeUp,
    disconnect: () => Promise.resolve(),
  })
  const asNative = native as unknown as NativeProducer
  return { native, nativeConsumer, consumer, asNative }
}

const PRODUCERS = [
  {
    name: 'of the direct path',
    open: (native: NativeProducer, clock: Clock) => new NativeTransactionControl(native, clock, 10_000),
  },
  {
    name: 'of the native path',
    open: (native: NativeProducer, clock: Clock) => {
      const producer = new LibrdkafkaProducer(native, clock, {
        clientId: 'test',
        transactionalId: 'tx',
        onSendError: () => 'fail',
      })
      return {
        init: () => producer.initTransactions(),
        begin: () => producer.begin(),
        sendOffsets: producer.sendOffsets.bind(producer),
        commit: () => producer.commitTransaction(),
        abort: () => producer.abortTransaction(),
        close: () => producer.close(),
      }
    },
  },
]

describe.each(PRODUCERS)('a call of the transactional producer $name that never returns', ({ open }) => {
  test.each(['init', 'begin', 'sendOffsets', 'commit', 'abort'] as const)('%s fails in time', async name => {
    const clock = fastClock(200)
    const { asNative, consumer } = stage(clock)
    const producer = open(asNative, clock)
    const call = name === 'sendOffsets' ? producer.sendOffsets(OFFSETS, consumer) : producer[name]()
    await expect(call).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT', class: 'retriable' })
  })

  test('neither keeps producer and consumer from closing, nor loses its handles before it returns', async () => {
    const clock = fastClock(200)
    const { native, nativeConsumer, asNative, consumer } = stage(clock)
    const producer = open(asNative, clock)
    await expect(producer.sendOffsets(OFFSETS, consumer)).rejects.toThrow('adding offsets to a transaction')

    await Promise.all([producer.close(), consumer.close()])
    expect([native.isDisconnected, nativeConsumer.isDisconnected]).toEqual([false, false])

    native.answer()
    await eventually(() => native.isDisconnected && nativeConsumer.isDisconnected)
  })
})

test('an answer that came while the process stood still is an answer', async () => {
  const clock = new VirtualClock()
  const { native, asNative, consumer } = stage(clock)
  const control = new NativeTransactionControl(asNative, clock, 10_000)
  onTestFinished(() => native.answer())
  const sent = control.sendOffsets(OFFSETS, consumer)
  await eventually(() => native.waiting.length === 1)
  setImmediate(() => native.answer())
  clock.stall(60_000)
  await sent
})
