import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { EmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { partitionKey } from '../../lib/common/ids.ts'
import { numbered, record, refusal, valueText } from '../conformance/broker/stage.ts'
import {
  beginningOffset,
  createTopic,
  endOffset,
  openForTest,
  readAll,
  temporaryDirectory,
} from './embedded-fixture.ts'

const WRITER = fileURLToPath(new URL('transaction-writer.ts', import.meta.url))
const COPIES = 40

/**
 * Runs the writer until it has acknowledged that many, kills it, and returns the last acknowledged number.
 */
async function writeAndKill(directory: string, acknowledgements: number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', WRITER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  let last = -1
  let seen = 0
  if (!child.stdout) throw new Error('the writer has no output')
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line.split(' ')[1])
    if (++seen === acknowledgements) child.kill('SIGKILL')
  }
  const [, signal] = (await exited) as [unknown, string]
  expect(signal).toBe('SIGKILL')
  return last
}

/** How many transactions are there, each of them whole in both partitions; fails where one is not. */
async function wholeTransactions(broker: EmbeddedBroker): Promise<number> {
  const counts = new Set<number>()
  for (const partition of [0, 1]) {
    const values = (await readAll(broker, 'data', 'read_committed', partition)).map(valueText)
    expect(values.filter(value => value.startsWith('aborted'))).toEqual([])
    const count = values.length / COPIES
    expect(values).toEqual(
      Array.from({ length: values.length }, (_, index) => `${Math.floor(index / COPIES)}`),
    )
    expect(await endOffset(broker, 'data', 'read_committed', partition)).toBe(
      await endOffset(broker, 'data', 'read_uncommitted', partition),
    )
    counts.add(count)
  }
  expect([...counts]).toHaveLength(1)
  return [...counts][0] as number
}

test('durability: killed at any moment, every acknowledged transaction is whole and no other is visible', async () => {
  const directory = await temporaryDirectory()
  let before = 0
  for (let round = 0; round < 5; round++) {
    const last = await writeAndKill(directory, 1 + Math.floor(Math.random() * 60))
    const broker = await openEmbeddedBroker({ directory })
    const count = await wholeTransactions(broker)
    expect(count).toBeGreaterThan(last)
    expect(count).toBeGreaterThan(before)
    const offsets = await (await broker.admin()).groupOffsets('writer', [{ topic: 'data', partition: 0 }])
    expect(offsets.get(partitionKey('data', 0))?.offset).toBe(count)

    const table = new Map(
      (await readAll(broker, 'table')).map(each => [utf8Text(each.key as Uint8Array), valueText(each)]),
    )
    expect(table.get(String(String(count - 1).length))).toBe(String(count - 1))
    before = count
    await broker.close()
  }
})

test('durability: topics, offsets, epochs, first offsets and aborted ranges survive a close', async () => {
  const directory = await temporaryDirectory()
  const first = await openEmbeddedBroker({ directory })
  await createTopic(first, 't', { 'retention.ms': '-1' }, 2)
  const producer = await first.producer({ clientId: 'p', transactionalId: 'tx' })
  await producer.initTransactions()
  await producer.begin()
  for (const value of numbered(10)) producer.send(record('t', value))
  await producer.commitTransaction()
  await producer.begin()
  producer.send(record('t', 'aborted', { key: utf8('k'), headers: [{ key: 'h', value: null }] }))
  await producer.flush()
  await producer.abortTransaction()
  await producer.begin()
  producer.send(record('t', 'open'))
  await producer.flush()
  await (await first.admin()).deleteRecords([{ topic: 't', partition: 0, offset: 4 }])
  const { topicId } = (await (await first.admin()).describeTopics(['t'])).get('t')!
  await first.close()

  const broker = await openForTest({ directory })
  const described = await (await broker.admin()).describeTopics(['t'])
  const config = { 'retention.ms': '-1' }
  expect(described.get('t')).toEqual({ topic: 't', partitionCount: 2, topicId, config })
  expect(await beginningOffset(broker, 't')).toBe(4)
  expect((await readAll(broker, 't')).map(valueText)).toEqual(numbered(10).slice(4))
  const everything = await readAll(broker, 't', 'read_uncommitted')
  expect(everything.map(valueText)).toEqual([...numbered(10).slice(4), 'aborted', 'open'])
  expect(everything[6]?.headers).toEqual([{ key: 'h', value: null }])
  expect(await endOffset(broker, 't')).toBe(15)

  const again = await broker.producer({ clientId: 'p', transactionalId: 'tx' })
  await again.initTransactions()
  await again.begin()
  again.send(record('t', 'next'))
  await again.commitTransaction()
  expect((await readAll(broker, 't')).map(valueText).at(-1)).toBe('next')
})

test('durability: a deleted topic stays deleted, and the next of its name starts empty', async () => {
  const directory = await temporaryDirectory()
  const first = await openEmbeddedBroker({ directory })
  await createTopic(first, 't')
  const producer = await first.producer({ clientId: 'p' })
  for (const value of numbered(3_000)) producer.send(record('t', value))
  await producer.flush()
  await (await first.admin()).deleteTopics(['t'])
  await createTopic(first, 't')
  producer.send(record('t', 'only'))
  await producer.flush()
  await first.close()

  const broker = await openForTest({ directory })
  expect((await readAll(broker, 't')).map(valueText)).toEqual(['only'])
})

test('durability: many small appends and reopenings make one log', async () => {
  const directory = await temporaryDirectory()
  const expected: string[] = []
  for (let opening = 0; opening < 4; opening++) {
    const broker = await openEmbeddedBroker({ directory })
    if (opening === 0) await createTopic(broker, 't')
    const producer = await broker.producer({ clientId: 'p' })
    for (let flush = 0; flush < 100; flush++) {
      for (const value of numbered(7, `${opening}.${flush}.`)) {
        producer.send(record('t', value))
        expected.push(value)
      }
      await producer.flush()
    }
    expect((await readAll(broker, 't')).map(valueText)).toEqual(expected)
    await broker.close()
  }
})

test('durability: a directory in use is refused by name', async () => {
  const directory = await temporaryDirectory()
  await openForTest({ directory })
  const error = await refusal(openEmbeddedBroker({ directory }))
  expect(error.code).toBe('BROKER_DIRECTORY_IN_USE')
  expect(error.message).toContain(directory)
})

test('durability: a long log is not held in memory', async () => {
  const directory = await temporaryDirectory()
  const broker = await openForTest({ directory, cacheBytesMax: 4 * 1024 * 1024 })
  await createTopic(broker, 't')
  const producer = await broker.producer({ clientId: 'p' })
  const value = new Uint8Array(1_000)
  const before = process.memoryUsage()
  const count = 400_000
  for (let index = 0; index < count; index++) {
    if (!producer.writable) await producer.drained()
    producer.send(record('t', '', { value }))
  }
  await producer.flush()
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed' })
  consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
  let read = 0
  let mostBytes = 0
  while (read < count) {
    for (const batch of consumer.poll(1_000)) read += batch.records.length
    const { rss } = process.memoryUsage()
    mostBytes = Math.max(mostBytes, rss - before.rss)
  }
  // 400 MB of values: held in memory, they alone would pass the bound.
  expect(mostBytes).toBeLessThan(330_000_000)
})

test('durability: nothing is visible before it is on disk, neither records nor their decision', async () => {
  const broker = await openForTest({ directory: await temporaryDirectory() })
  await createTopic(broker, 't')
  const consumer = await broker.consumer({ clientId: 'c', isolation: 'read_committed' })
  consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
  const plain = await broker.producer({ clientId: 'p' })
  plain.send(record('t', 'a'))
  const flushed = plain.flush()
  expect(consumer.poll(10)).toEqual([])
  await flushed
  expect(consumer.poll(10)[0]?.records.map(valueText)).toEqual(['a'])

  const producer = await broker.producer({ clientId: 'p', transactionalId: 'tx' })
  await producer.initTransactions()
  await producer.begin()
  producer.send(record('t', 'b'))
  await producer.flush()
  const committed = producer.commitTransaction()
  await Promise.resolve()
  expect(consumer.poll(10)).toEqual([])
  expect(() => producer.send(record('t', 'between'))).toThrow(/outside of a transaction/)
  await committed
  expect(consumer.poll(10)[0]?.records.map(valueText)).toEqual(['b'])
})
