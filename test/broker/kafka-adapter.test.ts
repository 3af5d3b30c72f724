import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Broker, Consumer, TopicPartition } from '../../lib/broker/broker.ts'
import { openKafkaBroker } from '../../lib/broker/kafka/adapter/kafka-broker.ts'
import { loadNativeClient } from '../../lib/broker/kafka/native/load-client.ts'
import { nativeCall } from '../../lib/broker/kafka/native/native-call.ts'
import type { NativeAdmin, NativeTopic } from '../../lib/broker/kafka/native/native-client.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { record, refusal } from '../conformance/broker/stage.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'

const { brokers, suite } = await needs('native client', 'broker')
const client = await needs('native client')
const PATHS = ['direct', 'native'] as const
const quiet = { clock: systemClock, logger: silentLogger }

await suite('the Kafka adapter on a real broker', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await openKafkaBroker({ brokers, ...quiet })
  })
  afterAll(() => broker.close())

  async function filled(recordCount: number, valueBytes: number, partitionCount: number): Promise<string> {
    const topic = `adapter-${randomUUID()}`
    const admin = await broker.admin()
    await admin.createTopics([{ topic, partitionCount }])
    const producer = await broker.producer({ clientId: 'adapter' })
    const value = new Uint8Array(valueBytes)
    for (let index = 0; index < recordCount * partitionCount; index += 1) {
      producer.send(record(topic, '', { value, partition: index % partitionCount }))
    }
    await producer.flush()
    await producer.close()
    return topic
  }

  test('topic ids are told as the native client tells them: they stand in state directories', async () => {
    const { AdminClient } = (await loadNativeClient()) as unknown as {
      AdminClient: { create(settings: { readonly [name: string]: unknown }): NativeAdmin }
    }
    const topics = await Promise.all([1, 3].map(partitionCount => filled(1, 1, partitionCount)))
    const native = AdminClient.create({ 'bootstrap.servers': brokers })
    const told = await nativeCall<readonly NativeTopic[]>('describing', callback =>
      native.describeTopics(topics, { timeout: 10_000 }, callback),
    )
    native.disconnect()
    const ours = await (await broker.admin()).describeTopics([...topics, 'absent'])
    expect([...ours.values()]).toEqual(
      told.map(({ name, topicId, partitions }) => ({
        topic: name,
        topicId: topicId!.base64,
        partitionCount: partitions.length,
      })),
    )
  })

  test.each(PATHS)('a paused partition past its bound is refetched on resume (%s)', async fetch => {
    const reading = await openKafkaBroker({ brokers, fetch, ...quiet })
    const topic = await filled(3_000, 1_000, 2)
    const consumer = await reading.consumer({
      clientId: 'adapter',
      isolation: 'read_committed',
      queuedBytesMax: 400_000,
    })
    const [left, right] = [0, 1].map(partition => ({ topic, partition })) as [TopicPartition, TopicPartition]
    consumer.assign([left, right].map(each => ({ ...each, offset: 0 })))
    consumer.pause([left])

    expect(await offsets(consumer, 3_000)).toEqual({ 1: consecutive(3_000) })
    expect(consumer.position(left)).toBe(0)
    consumer.resume([left])
    consumer.pause([right])
    expect(await offsets(consumer, 3_000)).toEqual({ 0: consecutive(3_000) })
    await consumer.close()
    await reading.close()
  })

  test.each(PATHS)('positions moved back and forth while records arrive are kept to (%s)', async fetch => {
    const reading = await openKafkaBroker({ brokers, fetch, ...quiet })
    const topic = await filled(20_000, 20, 1)
    const consumer = await reading.consumer({ clientId: 'adapter', isolation: 'read_committed' })
    for (const start of [0, 9_000, 500, 15_000, 1, 19_990, 0]) {
      consumer.assign([{ topic, partition: 0, offset: start }])
      const read = await offsets(consumer, Math.min(3_000, 20_000 - start))
      expect(read[0]?.[0]).toBe(start)
      expect(read[0]).toEqual(consecutive(read[0]?.length ?? 0, start))
    }
    await consumer.close()
    await reading.close()
  })

  test('what is sent directly comes back to the last bit: time 0, empty is not null', async () => {
    const topic = await filled(0, 0, 1)
    const producer = await broker.producer({ clientId: 'adapter' })
    const headers = [
      { key: 'none', value: null },
      { key: 'empty', value: new Uint8Array(0) },
    ]
    producer.send(record(topic, '', { timestamp: 0, key: new Uint8Array(0), headers }))
    await producer.flush()
    await producer.close()
    const consumer = await broker.consumer({ clientId: 'adapter', isolation: 'read_committed' })
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    await eventually(() => consumer.ready(50).then(() => consumer.knownEnd({ topic, partition: 0 }) === 1), {
      what: 'the record',
    })
    const [batch] = consumer.poll(1)
    const [read] = batch!.records
    expect(read!.timestamp).toBe(0)
    expect([read!.key?.length, read!.value?.length]).toEqual([0, 0])
    expect(read!.headers.map(({ value }) => value?.length)).toEqual([undefined, 0])
    await consumer.close()
  })

  test('a member of the consumer protocol owns, commits and is told what it gives up', async () => {
    const topic = await filled(1, 10, 2)
    const groupId = `adapter-${randomUUID()}`
    const told: string[] = []
    const open = async () => {
      const group = { groupId, protocol: 'consumer' as const }
      const consumer = await broker.consumer({ clientId: 'adapter', isolation: 'read_committed', group })
      consumer.subscribe([topic], {
        assigned: partitions => void told.push(`assigned ${partitions.length}`),
        revoked: partitions => void told.push(`revoked ${partitions.length}`),
        lost: partitions => void told.push(`lost ${partitions.length}`),
      })
      return consumer
    }
    const first = await open()
    await owns(first, 2)
    await first.commit([{ topic, partition: 0, offset: 1, metadata: 'm' }])
    expect([...(await first.committed([{ topic, partition: 0 }])).values()]).toMatchObject([
      { offset: 1, metadata: 'm' },
    ])

    const second = await open()
    const keepingAlive = async () => {
      await Promise.all([first, second].map(each => each.ready(50)))
      return first.owned().length === 1 && second.owned().length === 1
    }
    await eventually(keepingAlive, { what: 'one partition each' })
    expect(told).toEqual(['assigned 2', 'revoked 1', 'assigned 1'])
    await Promise.all([first.close(), second.close()])
  })

  test('a consumer that closes while its listener holds a revocation does not hang', async () => {
    const topic = await filled(1, 10, 2)
    const group = { groupId: `adapter-${randomUUID()}` }
    let asked = false
    const open = () => broker.consumer({ clientId: 'adapter', isolation: 'read_committed', group })
    const [first, second] = [await open(), await open()]
    first.subscribe([topic], {
      assigned: () => undefined,
      revoked: () => {
        asked = true
        return new Promise<void>(() => undefined)
      },
      lost: () => undefined,
    })
    await owns(first, 2)
    second.subscribe([topic], { assigned: () => undefined, revoked: () => undefined, lost: () => undefined })
    const revocation = async () => {
      await Promise.all([first, second].map(each => each.ready(50)))
      return asked
    }
    await eventually(revocation, { what: 'the revocation' })
    await first.close()
    await owns(second, 2)
    await second.close()
  })

  test('a process that has closed its clients ends by itself', async () => {
    const script = fileURLToPath(new URL('../kafka/open-and-close.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, brokers])
    expect(stdout).toContain('closed')
  })

  test('a bad property is named', async () => {
    const opening = openKafkaBroker({ brokers, ...quiet, client: { 'sasl.nonsense': 'x' } })
    await expect(opening).rejects.toThrow(/sasl\.nonsense/)
  })
})

await client.suite('a Kafka broker that is not there', () => {
  test('is reported with its address, in bounded time', async () => {
    const error = await refusal(openKafkaBroker({ brokers: '127.0.0.1:1', ...quiet }))
    expect(error.code).toBe('BROKER_UNREACHABLE')
    expect(error.message).toContain('127.0.0.1:1')
  })
})

async function owns(consumer: Consumer, count: number): Promise<void> {
  const attempt = async () => {
    await consumer.ready(50)
    return consumer.owned().length === count
  }
  await eventually(attempt, { what: `${count} partitions owned` })
}

/** Offsets read, by partition, until there are that many. */
async function offsets(consumer: Consumer, count: number): Promise<{ [partition: number]: number[] }> {
  const read: { [partition: number]: number[] } = {}
  let total = 0
  const attempt = async () => {
    await consumer.ready(50)
    for (const batch of consumer.poll(500)) {
      const list = (read[batch.partition] ??= [])
      for (const each of batch.records) list.push(each.offset)
      total += batch.records.length
    }
    return total >= count
  }
  await eventually(attempt, { what: `${count} records` })
  return read
}

function consecutive(count: number, start = 0): number[] {
  return Array.from({ length: count }, (_, index) => start + index)
}
