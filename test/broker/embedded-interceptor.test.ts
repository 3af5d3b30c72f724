import { expect, test } from 'vitest'
import type {
  Interception,
  Interceptor,
  InterceptorDecision,
} from '../../lib/broker/embedded/state/interceptions.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { partitionKey } from '../../lib/common/ids.ts'
import { record, refusal, valueText } from '../conformance/broker/stage.ts'
import { eventually } from '../support/eventually.ts'
import { createTopic, drain, endOffset, openForTest, readAll } from './embedded-fixture.ts'

const lost = new BrokerError('REQUEST_TIMED_OUT', 'retriable', 'the answer was lost')

/** An interceptor that is given after the broker was opened. */
function switchable() {
  const seen: Interception[] = []
  const box: { handler: Interceptor; readonly seen: Interception[] } = { handler: () => undefined, seen }
  const interceptor: Interceptor = operation => {
    seen.push(operation)
    return box.handler(operation)
  }
  return { box, interceptor }
}

/** Answers once for the first operation of that name, and lets everything else pass. */
function once(name: Interception['operation'], decision: () => InterceptorDecision): Interceptor {
  let used = false
  return ({ operation }) => {
    if (used || operation !== name) return undefined
    used = true
    return decision()
  }
}

test('interceptor: a held marker leaves the decided transaction behind the last stable offset (KAFKA-10167)', async () => {
  const { box, interceptor } = switchable()
  const broker = await openForTest({ interceptor })
  await createTopic(broker, 't')
  const consumer = await broker.consumer({
    clientId: 'c',
    isolation: 'read_committed',
    group: { groupId: 'g' },
  })
  const producer = await broker.producer({ clientId: 'p', transactionalId: 'tx' })
  await producer.initTransactions()
  let release = () => undefined as void
  const held = new Promise<void>(resolve => (release = resolve))
  box.handler = ({ operation, topic }) => (operation === 'write-marker' && topic === 't' ? held : undefined)

  await producer.begin()
  producer.send(record('t', 'a'))
  await producer.sendOffsets([{ topic: 't', partition: 0, offset: 7 }], consumer)
  await producer.commitTransaction()

  const offsets = await consumer.committed([{ topic: 't', partition: 0 }], { timeoutMs: 1_000 })
  expect(offsets.get(partitionKey('t', 0))?.offset).toBe(7)
  expect(await endOffset(broker, 't', 'read_committed')).toBe(0)
  expect(await endOffset(broker, 't', 'read_uncommitted')).toBe(1)
  expect(await readAll(broker, 't')).toEqual([])

  release()
  await eventually(async () => (await endOffset(broker, 't')) === 2, { what: 'the marker' })
})

test('interceptor: the next transaction waits for the markers of the last', async () => {
  const { box, interceptor } = switchable()
  const broker = await openForTest({ interceptor })
  await createTopic(broker, 't')
  const producer = await broker.producer({ clientId: 'p', transactionalId: 'tx' })
  await producer.initTransactions()
  let release = () => undefined as void
  const held = new Promise<void>(resolve => (release = resolve))
  box.handler = ({ operation }) => (operation === 'write-marker' ? held : undefined)
  await producer.begin()
  producer.send(record('t', 'a'))
  await producer.commitTransaction()

  let begun = false
  const next = producer.begin().then(() => (begun = true))
  await broker.admin()
  expect(begun).toBe(false)
  release()
  await next
  producer.send(record('t', 'b'))
  await producer.commitTransaction()
  await eventually(async () => (await readAll(broker, 't')).length === 2, { what: 'both records' })
})

test('interceptor: a commit whose answer is lost can be asked for again, and has happened once', async () => {
  const { box, interceptor } = switchable()
  const broker = await openForTest({ interceptor })
  await createTopic(broker, 't')
  const producer = await broker.producer({ clientId: 'p', transactionalId: 'tx' })
  await producer.initTransactions()
  await producer.begin()
  producer.send(record('t', 'a'))
  box.handler = once('end-transaction', () => ({ dropAnswer: lost }))

  expect(await refusal(producer.commitTransaction())).toBe(lost)
  await producer.commitTransaction()
  expect((await readAll(broker, 't')).map(valueText)).toEqual(['a'])
  expect(await endOffset(broker, 't')).toBe(2)
})

test('interceptor: a commit that never reached the broker can be asked for again', async () => {
  const { box, interceptor } = switchable()
  const broker = await openForTest({ interceptor })
  await createTopic(broker, 't')
  const producer = await broker.producer({ clientId: 'p', transactionalId: 'tx' })
  await producer.initTransactions()
  await producer.begin()
  producer.send(record('t', 'a'))
  box.handler = once('end-transaction', () => {
    throw lost
  })

  expect(await refusal(producer.commitTransaction())).toBe(lost)
  expect(await endOffset(broker, 't')).toBe(0)
  await producer.commitTransaction()
  expect((await readAll(broker, 't')).map(valueText)).toEqual(['a'])
})

test('interceptor: a produce whose answer is lost is sent again and appended once, in order', async () => {
  const { box, interceptor } = switchable()
  const broker = await openForTest({ interceptor })
  await createTopic(broker, 't')
  const producer = await broker.producer({ clientId: 'p' })
  box.handler = once('produce', () => ({ dropAnswer: lost }))
  producer.send(record('t', 'a'))
  await producer.flush()
  producer.send(record('t', 'b'))
  await producer.flush()

  expect((await readAll(broker, 't')).map(valueText)).toEqual(['a', 'b'])
  expect(box.seen.filter(({ operation }) => operation === 'produce')).toHaveLength(3)
})

test('interceptor: an operation that is refused does nothing', async () => {
  const { box, interceptor } = switchable()
  const broker = await openForTest({ interceptor })
  const refused = new BrokerError('TOPIC_AUTHORIZATION_FAILED', 'authorization', 'not allowed')
  box.handler = once('create-topics', () => {
    throw refused
  })
  const admin = await broker.admin()
  expect(await refusal(admin.createTopics([{ topic: 't', partitionCount: 1 }]))).toBe(refused)
  expect(await admin.listTopics()).toEqual([])
})

test('interceptor: a delayed fetch keeps its records back, and wakes the consumer when it comes', async () => {
  const { box, interceptor } = switchable()
  const broker = await openForTest({ interceptor })
  await createTopic(broker, 't')
  const producer = await broker.producer({ clientId: 'p' })
  producer.send(record('t', 'a'))
  await producer.flush()
  let release = () => undefined as void
  const held = new Promise<void>(resolve => (release = resolve))
  box.handler = ({ operation }) => (operation === 'fetch' ? held : undefined)
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed' })
  consumer.assign([{ topic: 't', partition: 0, offset: 0 }])

  expect(consumer.poll(10)).toEqual([])
  const ready = consumer.ready(60_000)
  release()
  await ready
  expect(drain(consumer).map(valueText)).toEqual(['a'])
})

test('interceptor: a commit of offsets that is lost on the way back has been carried out', async () => {
  const { box, interceptor } = switchable()
  const broker = await openForTest({ interceptor })
  await createTopic(broker, 't')
  const group = { groupId: 'g' }
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed', group })
  box.handler = once('offset-commit', () => ({ dropAnswer: lost }))
  expect(await refusal(consumer.commit([{ topic: 't', partition: 0, offset: 3 }]))).toBe(lost)
  const offsets = await consumer.committed([{ topic: 't', partition: 0 }])
  expect(offsets.get(partitionKey('t', 0))?.offset).toBe(3)
})
