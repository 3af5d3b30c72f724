import { expect, test } from 'vitest'
import type { EmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { record, refusal, thrown, valueText } from '../conformance/broker/stage.ts'
import { eventually } from '../support/eventually.ts'
import {
  beginningOffset,
  createTopic,
  drain,
  endOffset,
  openForTest,
  readAll,
  temporaryDirectory,
} from './embedded-fixture.ts'

const COMPACTED = { 'cleanup.policy': 'compact', 'delete.retention.ms': '1000' }

/** Sends pairs of key and value; a null value is a tombstone. */
async function put(
  broker: EmbeddedBroker,
  pairs: readonly (readonly [string, string | null])[],
): Promise<void> {
  const producer = await broker.producer({ clientId: 'p' })
  for (const [key, value] of pairs) producer.send(record('t', value, { key: utf8(key) }))
  await producer.flush()
  await producer.close()
}

async function pairs(broker: EmbeddedBroker): Promise<string[]> {
  const records = await readAll(broker, 't')
  return records.map(each => `${each.offset}:${each.key && utf8Text(each.key)}=${valueText(each)}`)
}

test.each(['memory', 'directory'])(
  'compaction: the last record of a key stays, at its offset (%s)',
  async where => {
    const directory = where === 'directory' ? await temporaryDirectory() : undefined
    const options = directory === undefined ? {} : { directory }
    const broker = await openForTest(options)
    await createTopic(broker, 't', COMPACTED)
    await put(broker, [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['c', '1'],
      ['b', '2'],
    ])
    await broker.compact('t')
    const expected = ['2:a=2', '3:c=1', '4:b=2']
    expect(await pairs(broker)).toEqual(expected)
    expect(await endOffset(broker, 't')).toBe(5)
    await put(broker, [['a', '3']])
    await broker.compact('t')
    expect(await pairs(broker)).toEqual(['3:c=1', '4:b=2', '5:a=3'])

    if (directory === undefined) return
    await broker.close()
    const reopened = await openForTest({ directory })
    expect(await pairs(reopened)).toEqual(['3:c=1', '4:b=2', '5:a=3'])
    await put(reopened, [['a', '4']])
    expect((await pairs(reopened)).at(-1)).toBe('6:a=4')
  },
)

test('compaction: tombstones stay for delete.retention.ms after the pass that saw them first', async () => {
  const clock = new ManualClock(1_000_000)
  const broker = await openForTest({ clock })
  await createTopic(broker, 't', COMPACTED)
  await put(broker, [
    ['a', '1'],
    ['a', null],
  ])
  await broker.compact('t')
  expect(await pairs(broker)).toEqual(['1:a=<null>'])

  clock.advance(500)
  await put(broker, [['b', '1']])
  await broker.compact('t')
  expect(await pairs(broker)).toEqual(['1:a=<null>', '2:b=1'])

  clock.advance(2_000)
  await put(broker, [['c', '1']])
  await broker.compact('t')
  expect(await pairs(broker)).toEqual(['2:b=1', '3:c=1'])
})

test('compaction: aborted records never count, open transactions are left alone', async () => {
  const broker = await openForTest()
  await createTopic(broker, 't', COMPACTED)
  await put(broker, [['a', 'kept']])
  const producer = await broker.producer({ clientId: 'p', transactionalId: 'tx' })
  await producer.initTransactions()
  await producer.begin()
  producer.send(record('t', 'aborted', { key: utf8('a') }))
  producer.send(record('t', 'aborted', { key: utf8('only here') }))
  await producer.flush()
  await producer.abortTransaction()
  await producer.begin()
  producer.send(record('t', 'open', { key: utf8('a') }))
  await producer.flush()
  await broker.compact('t')
  expect(await pairs(broker)).toEqual(['0:a=kept'])

  await producer.commitTransaction()
  expect(await pairs(broker)).toEqual(['0:a=kept', '4:a=open'])
  await broker.compact('t')
  expect(await pairs(broker)).toEqual(['4:a=open'])
  expect((await readAll(broker, 't', 'read_uncommitted')).map(valueText)).toEqual(['open'])
})

test.each(['memory', 'directory'])(
  'compaction: starts by itself when the dirty part outgrows the clean one (%s)',
  async where => {
    const broker = await openForTest(where === 'directory' ? { directory: await temporaryDirectory() } : {})
    await createTopic(broker, 't', COMPACTED)
    const rounds = Array.from({ length: 80_000 }, (_, index) => [`k${index % 10}`, `${index}`] as const)
    await put(broker, rounds)
    await eventually(async () => (await readAll(broker, 't')).length < 40_000, { what: 'compaction' })

    const last = new Map(
      (await readAll(broker, 't')).map(each => [utf8Text(each.key as Uint8Array), valueText(each)]),
    )
    expect(last).toEqual(new Map(rounds.slice(-10)))
  },
)

test('compaction: a consumer in the middle of the log reads on', async () => {
  const broker = await openForTest()
  await createTopic(broker, 't', COMPACTED)
  await put(
    broker,
    Array.from({ length: 10 }, (_, index) => [`k${index % 2}`, `${index}`] as const),
  )
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed' })
  consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
  consumer.poll(3)
  await broker.compact('t')
  expect(drain(consumer).map(each => each.offset)).toEqual([8, 9])
})

test('compaction: a record without a key is refused', async () => {
  const broker = await openForTest()
  await createTopic(broker, 't', COMPACTED)
  const producer = await broker.producer({ clientId: 'p' })
  expect(thrown(() => producer.send(record('t', 'x'))).code).toBe('INVALID_RECORD')
})

test.each(['memory', 'directory'])(
  'retention: chunks older than retention.ms go, by the clock (%s)',
  async where => {
    const clock = new ManualClock(1_000_000)
    const place = where === 'directory' ? { directory: await temporaryDirectory() } : {}
    const broker = await openForTest({ clock, ...place })
    await createTopic(broker, 't', { 'retention.ms': '60000' })
    const producer = await broker.producer({ clientId: 'p' })
    for (let index = 0; index < 3_000; index++) producer.send(record('t', 'old', { timestamp: 1_000_000 }))
    await producer.flush()
    clock.advance(61_000)
    producer.send(record('t', 'new', { timestamp: 1_061_000 }))
    await producer.flush()
    clock.advance(31_000)
    await eventually(async () => (await beginningOffset(broker, 't')) > 0, { what: 'deletion' })
    expect((await readAll(broker, 't')).map(valueText).at(-1)).toBe('new')
    expect(await endOffset(broker, 't')).toBe(3_001)
    clock.advance(90_000)
    expect(await beginningOffset(broker, 't')).toBe(3_001)
  },
)

test('retention: retention.bytes keeps the youngest chunks', async () => {
  const broker = await openForTest()
  await createTopic(broker, 't', { 'retention.bytes': '300000' })
  const producer = await broker.producer({ clientId: 'p' })
  for (let index = 0; index < 10_000; index++) producer.send(record('t', 'x'.repeat(100)))
  await producer.flush()
  await eventually(async () => (await beginningOffset(broker, 't')) > 5_000, { what: 'deletion' })
  expect((await readAll(broker, 't')).length).toBeGreaterThanOrEqual(2_900)
})

test('retention: an open transaction holds its chunks', async () => {
  const clock = new ManualClock(1_000_000)
  const broker = await openForTest({ clock })
  await createTopic(broker, 't', { 'retention.ms': '1000' })
  const producer = await broker.producer({
    clientId: 'p',
    transactionalId: 'tx',
    transactionTimeoutMs: 900_000,
  })
  await producer.initTransactions()
  await producer.begin()
  producer.send(record('t', 'open', { timestamp: 1 }))
  await producer.flush()
  clock.advance(120_000)
  expect(await beginningOffset(broker, 't')).toBe(0)
  await producer.commitTransaction()
  clock.advance(120_000)
  expect(await beginningOffset(broker, 't')).toBe(1)
  expect(await readAll(broker, 't')).toEqual([])
})

test('topics: malformed settings are refused by name', async () => {
  const broker = await openForTest()
  const error = await refusal(createTopic(broker, 't', { 'retention.ms': 'soon' }))
  expect(error.code).toBe('INVALID_CONFIG')
  expect(error.message).toContain('retention.ms')
})
