import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { RawRecord } from '../../lib/broker/broker.ts'
import { openDirectPaths } from '../../lib/broker/kafka/adapter/direct-path.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { eventually } from '../support/eventually.ts'
import { roundTrip } from './round-trip.ts'
import { encodeBatch } from './batch-encoder.ts'
import { fakeCluster, reader, start } from './direct-reader.ts'
import type { FakeCluster } from './fake-cluster.ts'

/** Batches of three records each. */
function write(fake: FakeCluster, batches: number, partition = 0, valueBytes = 10): void {
  const log = fake.partitions[partition]!.batches
  for (let left = batches; left > 0; left -= 1) {
    const first = (log.at(-1)?.lastOffset ?? -1) + 1
    const records = [0, 1, 2].map(index => ({
      offset: first + index,
      value: Buffer.alloc(valueBytes, first + index),
    }))
    log.push({ firstOffset: first, lastOffset: first + 2, bytes: encodeBatch({ records }) })
  }
}

function cutTo(fake: FakeCluster, batches: number): void {
  const partition = fake.partitions[0]!
  partition.batches.splice(batches)
  partition.epoch += 1
}

function writeByNewLeader(fake: FakeCluster): void {
  const { batches, epoch } = fake.partitions[0]!
  const first = (batches.at(-1)?.lastOffset ?? -1) + 1
  const records = [0, 1, 2].map(index => ({ offset: first + index, value: Buffer.from('new') }))
  const bytes = encodeBatch({ records, leaderEpoch: epoch })
  batches.push({ firstOffset: first, lastOffset: first + 2, bytes, epoch })
}

function expectWhole(records: readonly RawRecord[], count: number): void {
  expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: count }, (_, index) => index))
  expect(records.every(({ offset, value }) => value?.every(byte => byte === offset % 256))).toBe(true)
}

describe('the direct fetcher', () => {
  test.each([
    { name: 'by topic ids', versions: { fetch: [4, 17], metadata: [0, 13] }, speaks: 13 },
    {
      name: 'by topic names, from an old broker',
      versions: { fetch: [0, 11], metadata: [0, 8] },
      speaks: 11,
    },
  ])('reads $name', async ({ versions, speaks }) => {
    const fake = await fakeCluster()
    fake.versions = versions
    write(fake, 10)
    const reading = reader(fake)
    start(fake, reading)
    await reading.readTo(30)
    expectWhole(reading.records, 30)
    expect(new Set(fake.fetches.map(({ version }) => version))).toEqual(new Set([speaks]))
  })

  test('follows a leader that moves, and one that was elected anew', async () => {
    const fake = await fakeCluster()
    write(fake, 2)
    const reading = reader(fake)
    start(fake, reading)
    await reading.readTo(6)
    Object.assign(fake.partitions[0]!, { leader: 1, epoch: 1 })
    write(fake, 2)
    await reading.readTo(12)
    fake.partitions[0]!.epoch = 2
    write(fake, 2)
    await reading.readTo(18)
    expectWhole(reading.records, 18)
    expect(fake.fetches.at(-1)).toMatchObject({ node: 1, partitions: [{ epoch: 2 }] })
  })

  test('waits for a leader while there is none', async () => {
    const fake = await fakeCluster()
    write(fake, 1)
    fake.partitions[0]!.leader = -1
    const reading = reader(fake)
    start(fake, reading)
    await eventually(() => fake.metadataRequests > 2, { what: 'questions for the leader' })
    reading.poll()
    expect(reading.errors).toEqual([])
    fake.partitions[0]!.leader = 1
    await reading.readTo(3)
  })

  test('connections that are cut anywhere in a response cost nothing but time', async () => {
    const fake = await fakeCluster()
    write(fake, 40)
    let cuts = 0
    fake.fate = response =>
      cuts >= 30 ? response : { cutAfter: Math.floor((response.length * cuts++) / 30) }
    const reading = reader(fake, { 'fetch.message.max.bytes': 300 })
    start(fake, reading)
    await reading.readTo(120)
    expectWhole(reading.records, 120)
    expect(cuts).toBe(30)
  })

  test('a broker that does not answer is left and asked anew', async () => {
    const fake = await fakeCluster()
    write(fake, 5)
    let silent = 2
    fake.fate = response => (silent-- > 0 ? 'silence' : response)
    const reading = reader(fake, { 'socket.timeout.ms': 60 })
    start(fake, reading)
    await reading.readTo(15)
    expectWhole(reading.records, 15)
  })

  test('an offset that is gone is told once, after what was fetched before', async () => {
    const fake = await fakeCluster()
    write(fake, 2)
    const reading = reader(fake)
    start(fake, reading)
    await eventually(() => reading.fetcher.hasData, { what: 'records', pauseMs: 2 })
    fake.partitions[0]!.batches.splice(0, 2, {
      firstOffset: 90,
      lastOffset: 92,
      bytes: encodeBatch({ records: [{ offset: 90 }, { offset: 92 }] }),
    })
    const asked = fake.fetches.length
    await eventually(() => fake.fetches.length > asked + 1 || reading.fetcher.hasError, {
      what: 'the next fetch',
      limitMs: 500,
    }).catch(() => undefined)
    const error = await reading.firstError()
    expect(error).toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      partitions: [{ topic: fake.topic, partition: 0 }],
    })
    expectWhole(reading.records, 6)
    reading.fetcher.assign([{ topic: fake.topic, partition: 0, offset: 90 }])
    reading.errors.length = 0
    await reading.readTo(93)
    expect(reading.errors).toEqual([])
  })

  test('a log that was cut is told with the offset from which on it is another one, after what was read of it', async () => {
    const fake = await fakeCluster()
    write(fake, 3)
    const reading = reader(fake)
    start(fake, reading)
    await reading.readTo(9)
    // The new leader has the first batch alone, and goes on from there: the offset that is asked for exists.
    cutTo(fake, 1)
    for (let left = 3; left > 0; left -= 1) writeByNewLeader(fake)

    const error = await reading.firstError()
    expect(error).toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      partitions: [{ topic: fake.topic, partition: 0, divergingOffset: 3 }],
    })
    expect(error.message).toContain('cannot be read from offset 9: the log was cut at 3')
    expectWhole(reading.records, 9)

    reading.errors.length = 0
    reading.records.length = 0
    reading.fetcher.assign([{ topic: fake.topic, partition: 0, offset: 3 }])
    await reading.readTo(12)
    expect(reading.records.map(({ value }) => String(value))).toEqual(Array(9).fill('new'))
  })

  test('a log that was cut behind what was read of it is read on', async () => {
    const fake = await fakeCluster()
    write(fake, 1)
    const reading = reader(fake)
    start(fake, reading)
    await reading.readTo(3)
    write(fake, 1)
    cutTo(fake, 1)
    writeByNewLeader(fake)
    await reading.readTo(6)
    expect(reading.errors).toEqual([])
  })

  test('a topic that was made again is noticed, though the offset exists', async () => {
    const fake = await fakeCluster()
    write(fake, 2)
    const reading = reader(fake)
    start(fake, reading)
    await reading.readTo(6)
    fake.topicId = 'f'.repeat(32)
    write(fake, 2)
    const error = await reading.firstError()
    expect(error.code).toBe('OFFSET_OUT_OF_RANGE')
    expect(error.message).toContain('made again')
    expectWhole(reading.records, 6)
  })

  test('a topic that does not exist is named after a while; one that comes late is read', async () => {
    const fake = await fakeCluster()
    fake.exists = false
    const reading = reader(fake)
    start(fake, reading)
    const error = await reading.firstError()
    expect(error).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION', class: 'topic-missing' })
    expect(error.message).toContain('fake-0')
    const late = reader(fake)
    const asked = fake.metadataRequests
    start(fake, late)
    await eventually(() => fake.metadataRequests > asked + 1, { what: 'answers that there is no topic' })
    fake.exists = true
    write(fake, 1)
    await late.readTo(3)
  })

  test('a batch that is larger than a partition’s share is asked for whole', async () => {
    const fake = await fakeCluster()
    fake.cutsHard = true
    write(fake, 3, 0, 500)
    const reading = reader(fake, { 'fetch.message.max.bytes': 100 })
    start(fake, reading)
    await reading.readTo(9)
    expectWhole(reading.records, 9)
  })

  test('nothing is asked for that does not fit, one request at a time, and every partition gets its turn', async () => {
    const fake = await fakeCluster(3)
    for (const partition of [0, 1, 2]) write(fake, 200, partition, 100)
    const reading = reader(fake, {}, 30_000)
    start(fake, reading)
    let answers = 0
    fake.fate = response => {
      answers += 1
      return response
    }
    await eventually(() => answers === fake.fetches.length && answers >= 2, { what: 'queues that are full' })
    await roundTrip(fake)
    const bytes = fake.fetches
      .flatMap(({ partitions }) => partitions)
      .reduce((sum, each) => sum + each.bytesMax, 0)
    expect(bytes).toBeLessThanOrEqual(45_000)
    expect(fake.outstandingMax).toBe(1)
    for (const partition of [0, 1, 2]) await reading.readTo(600, partition)
    expect(reading.records.length).toBe(1_800)
  })

  test('a paused partition is not asked for', async () => {
    const fake = await fakeCluster(2)
    for (const partition of [0, 1]) write(fake, 5, partition)
    const reading = reader(fake)
    start(fake, reading)
    reading.fetcher.pause([{ topic: fake.topic, partition: 1 }])
    await reading.readTo(15)
    expect(
      fake.fetches.flatMap(({ partitions }) => partitions).every(({ partition }) => partition === 0),
    ).toBe(true)
    reading.fetcher.resume([{ topic: fake.topic, partition: 1 }])
    await reading.readTo(15, 1)
  })

  test('an error that does not pass is told with its name', async () => {
    const fake = await fakeCluster()
    write(fake, 1)
    fake.errorOf = () => 29
    const reading = reader(fake)
    start(fake, reading)
    expect(await reading.firstError()).toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
      class: 'authorization',
    })
  })
})

describe('mangled responses', () => {
  /** Offsets are not under a batch's checksum, nor are the numbers around the batches; records are. */
  test('a flipped byte is an error that names the place, or harmless, but never a hang or a wrong record', async () => {
    const fake = await fakeCluster(2)
    for (const partition of [0, 1]) write(fake, 2, partition)
    let [errors, length] = [0, 9]
    // Behind the length and the number of the request.
    for (let at = 8; at < length; at += 1) {
      const reading = reader(fake)
      let isFirst = true
      fake.fate = response => {
        if (isFirst) {
          length = response.length
          if (!isUncovered(fake, response, at)) response[at]! ^= 1 << (at % 8)
        }
        isFirst = false
        return response
      }
      start(fake, reading)
      await eventually(
        () => {
          reading.poll()
          return reading.errors.length > 0 || reading.records.length === 12
        },
        { what: `an end with byte ${at} flipped`, pauseMs: 1 },
      )
      for (const { offset, value } of reading.records)
        expect(value?.every(byte => byte === offset)).toBe(true)
      for (const error of reading.errors) {
        errors += 1
        expect(error).toBeInstanceOf(BrokerError)
        expect(error.message).toMatch(/fake-[01]/)
      }
      await reading.fetcher.close()
    }
    // How many of the bytes are numbers that no checksum covers depends on how much one response brought.
    expect(errors).toBeGreaterThan(length / 5)
  })

  test('a length beyond all bounds is refused before memory is taken', async () => {
    const fake = await fakeCluster()
    write(fake, 1)
    fake.fate = () => Buffer.alloc(20)
    const reading = reader(fake, { 'receive.message.max.bytes': 10 })
    start(fake, reading)
    expect((await reading.firstError()).message).toContain('a response of')
  })
})

describe('a broker that is too old', () => {
  test('is read with the native client, and one line says so', async () => {
    const fake = await fakeCluster()
    fake.versions = { fetch: [0, 10], metadata: [0, 8] }
    const lines: string[] = []
    const logger = { log: (_level: string, message: string) => void lines.push(message) }
    const options = { brokers: fake.address, produce: 'native', clock: systemClock, logger } as const
    const { fetch } = await openDirectPaths(options, () => undefined)
    expect(fetch).toBeUndefined()
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('speaks versions 0 to 10 of Fetch')
  })
})

/** The numbers of a batch that its checksum does not cover, nor the magic: base offset and leader epoch. */
function isUncovered(fake: FakeCluster, response: Buffer, at: number): boolean {
  return fake.partitions
    .flatMap(({ batches }) => batches)
    .some(({ bytes }) => {
      const into = at - response.indexOf(bytes)
      return (into >= 0 && into < 8) || (into >= 12 && into < 16)
    })
}
