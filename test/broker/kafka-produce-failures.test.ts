import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { openDirectPaths } from '../../lib/broker/kafka/adapter/direct-path.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { refusal, thrown } from '../conformance/broker/stage.ts'
import { eventually } from '../support/eventually.ts'
import { fakeLogs, numbered, plainProducer, record } from './direct-producer-stage.ts'
import type { ProduceFate } from './fake-log-cluster.ts'

const soon = (what: string, condition: () => boolean) => eventually(condition, { what, pauseMs: 2 })

describe('the direct producer, at-least-once', () => {
  test.each([
    { name: 'a broker of today', produce: [3, 13], speaks: 11 },
    { name: 'an old broker', produce: [0, 7], speaks: 7 },
  ] as const)('sends to $name', async ({ produce, speaks }) => {
    const fake = await fakeLogs(2)
    fake.versions = { ...fake.versions, 0: produce }
    const { producer } = plainProducer(fake)
    for (const value of numbered(100)) producer.send(record(fake, value, { partition: value.length % 2 }))
    await producer.flush()
    expect([...fake.values(0), ...fake.values(1)].sort()).toEqual(numbered(100).sort())
    expect(new Set(fake.produces.map(({ version }) => version))).toEqual(new Set([speaks]))
  })

  test('whatever happens to answers and connections, every record is there once, in order', async () => {
    const fake = await fakeLogs()
    const fates: ProduceFate[] = [
      'lose',
      'drop',
      [6],
      'lose',
      [20],
      [19],
      'write',
      [7],
      'drop',
      [-1],
      [2],
      'lose',
    ]
    fake.fate = () => fates.shift() ?? 'write'
    const { producer, rejected } = plainProducer(fake, { 'batch.num.messages': 10 })
    for (const value of numbered(200)) producer.send(record(fake, value))
    await producer.flush()
    expect(fake.values()).toEqual(numbered(200))
    expect(rejected).toEqual([])
    expect(fates).toEqual([])
    expect(fake.outstandingMax).toBe(1)
  })

  // Timers fire a fraction of a millisecond early, and time passes between two looks at the clock: here, at
  // each.
  test.each([3, 4, 5, 6, 7, 8])(
    'is sent without a flush when it has lingered for %i looks',
    async lingerMs => {
      const fake = await fakeLogs()
      let looks = 0
      const clock = { ...systemClock, monotonicMs: () => (looks += 1) }
      const { producer } = plainProducer(fake, { 'linger.ms': lingerMs }, undefined, clock)
      producer.send(record(fake, 'waiting'))
      await soon('the record', () => fake.values().length === 1)
    },
  )

  test('a batch whose answer was lost is the same to the last bit when it comes again', async () => {
    const fake = await fakeLogs()
    let lost = 0
    fake.fate = () => (lost++ < 2 ? 'lose' : 'write')
    const { producer } = plainProducer(fake)
    producer.send(record(fake, 'first'))
    await soon('the first attempt', () => fake.produces.length > 0)
    // Meant for the next batch: it must not slip into the one under way.
    producer.send(record(fake, 'second'))
    await producer.flush()
    const [first, second, third] = fake.produces.map(({ parts }) => parts[0]!.batch.bytes)
    expect(second).toEqual(first)
    expect(third).toEqual(first)
    expect(fake.values()).toEqual(['first', 'second'])
  })

  test('follows a leader that moves', async () => {
    const fake = await fakeLogs()
    const { producer } = plainProducer(fake)
    producer.send(record(fake, 'here'))
    await producer.flush()
    Object.assign(fake.partitions[0]!, { leader: 1, epoch: 1 })
    producer.send(record(fake, 'there'))
    await producer.flush()
    expect(fake.values()).toEqual(['here', 'there'])
    expect(fake.produces.at(-1)!.node).toBe(1)
  })

  test('waits for a leader while there is none', async () => {
    const fake = await fakeLogs()
    fake.partitions[0]!.leader = -1
    const { producer, rejected } = plainProducer(fake)
    producer.send(record(fake, 'patient'))
    const flushing = producer.flush()
    await eventually(() => fake.metadataRequests > 2, { what: 'questions for the leader' })
    fake.partitions[0]!.leader = 1
    await flushing
    expect(fake.values()).toEqual(['patient'])
    expect(rejected).toEqual([])
  })

  test('only the record that is too large for the broker is refused', async () => {
    const fake = await fakeLogs()
    fake.batchBytesMax = 2_000
    const { producer, rejected } = plainProducer(fake, {}, () => 'continue')
    for (const value of numbered(60)) producer.send(record(fake, value, { key: Buffer.from(`k${value}`) }))
    producer.send(record(fake, 'x'.repeat(3_000), { key: Buffer.from('large') }))
    for (const value of numbered(60)) producer.send(record(fake, value))
    await producer.flush()
    expect(fake.values()).toEqual([...numbered(60), ...numbered(60)])
    expect(rejected).toMatchObject([{ code: 'MESSAGE_TOO_LARGE', partition: 0, key: Buffer.from('large') }])
    expect(producer.writable).toBe(true)
  })

  test('a record over message.max.bytes is refused by send; flush knows nothing of it', async () => {
    const fake = await fakeLogs()
    const { producer } = plainProducer(fake, { 'message.max.bytes': 1_000 })
    const error = thrown(() => producer.send(record(fake, 'x'.repeat(1_001))))
    expect(error).toMatchObject({ class: 'record-refused', code: 'MESSAGE_TOO_LARGE' })
    producer.send(record(fake, 'x'.repeat(1_000)))
    await producer.flush()
    expect(fake.values()).toHaveLength(1)
  })

  test('every record of a partition that may not be written to is refused, those of others are sent', async () => {
    const fake = await fakeLogs(2)
    fake.fate = ({ parts }) => parts.map(({ partition }) => (partition === 1 ? 29 : 0))
    const { producer, rejected } = plainProducer(fake)
    for (const value of numbered(3))
      producer.send(record(fake, value, { partition: 1, key: Buffer.from(value) }))
    producer.send(record(fake, 'allowed'))
    expect(await refusal(producer.flush())).toMatchObject({ class: 'authorization' })
    expect(rejected.map(({ key }) => String(key))).toEqual(numbered(3))
    // Told once.
    await producer.flush()
  })

  test.each([45, 59, 47])(
    'goes on under another identity where the broker has lost track (%i)',
    async code => {
      const fake = await fakeLogs(2)
      const { producer, rejected } = plainProducer(fake)
      producer.send(record(fake, 'first'))
      producer.send(record(fake, 'other', { partition: 1 }))
      await producer.flush()
      let isLost = true
      fake.fate = ({ parts }) => {
        if (!isLost) return 'write'
        isLost = false
        return parts.map(() => code)
      }
      producer.send(record(fake, 'second'))
      await producer.flush()
      producer.send(record(fake, 'other too', { partition: 1 }))
      await producer.flush()
      expect(fake.values(0)).toEqual(['first', 'second'])
      expect(fake.values(1)).toEqual(['other', 'other too'])
      const identities = fake.partitions.map(({ batches }) => batches.map(({ producerId }) => producerId))
      expect(identities).toEqual([
        [100, 101],
        [100, 100],
      ])
      expect(rejected).toEqual([])
    },
  )

  test('answers that make no sense cost nothing but time', async () => {
    const fake = await fakeLogs()
    const { producer } = plainProducer(fake)
    const nonsense = [
      Buffer.alloc(0),
      Buffer.alloc(30, 0xff),
      // No partition at all; and one that was not sent to.
      Buffer.from([1, 0, 0, 0, 0, 0]),
      Buffer.concat([
        Buffer.from([2, 5]),
        Buffer.from('fake'),
        Buffer.from([2, 0, 0, 0, 9]),
        Buffer.alloc(26),
        Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0]),
      ]),
    ]
    const count = nonsense.length
    fake.fate = () => (nonsense.length > 0 ? { bytes: nonsense.shift()! } : 'write')
    producer.send(record(fake, 'v'))
    await producer.flush()
    expect(fake.values()).toEqual(['v'])
    expect(fake.produces).toHaveLength(count + 1)
  })

  test('a broker that does not answer is left and asked anew', async () => {
    const fake = await fakeLogs()
    let silent = 1
    fake.fate = () => (silent-- > 0 ? 'silence' : 'write')
    const { producer } = plainProducer(fake, { 'socket.timeout.ms': 30, 'request.timeout.ms': 30 })
    producer.send(record(fake, 'v'))
    await producer.flush()
    expect(fake.values()).toEqual(['v'])
  })

  test('a record that nobody takes is given up in the end, and what comes after it is sent', async () => {
    const fake = await fakeLogs()
    let isDown = true
    fake.fate = () => (isDown ? 'lose' : 'write')
    const { producer, rejected } = plainProducer(fake, { 'message.timeout.ms': 200 })
    producer.send(record(fake, 'doubtful', { key: Buffer.from('k') }))
    expect(await refusal(producer.flush())).toMatchObject({ code: 'MESSAGE_TIMED_OUT', class: 'abortable' })
    expect(rejected).toMatchObject([{ key: Buffer.from('k') }])
    isDown = false
    producer.send(record(fake, 'next'))
    await producer.flush()
    // It was written all the same, under the identity that is left for its sake.
    expect(fake.values()).toEqual(['doubtful', 'next'])
    expect(fake.partitions[0]!.batches.map(({ producerId }) => producerId)).toEqual([100, 101])
  })

  test('a handler that throws ends a flush, and nothing hangs', async () => {
    const fake = await fakeLogs()
    fake.fate = () => [29]
    const { producer } = plainProducer(fake, {}, () => {
      throw new Error('a mistake')
    })
    for (const value of numbered(3)) producer.send(record(fake, value))
    expect(await refusal(producer.flush())).toMatchObject({ code: 'SEND_ERROR_HANDLER_FAILED' })
    fake.fate = () => 'write'
    producer.send(record(fake, 'next'))
    await producer.flush()
    expect(fake.values()).toEqual(['next'])
  })

  test('is not writable while too much is unacknowledged, and takes what is sent all the same', async () => {
    const fake = await fakeLogs()
    let release = () => undefined as void
    const held = new Promise<void>(resolve => (release = resolve))
    fake.fate = async (): Promise<ProduceFate> => {
      await held
      return 'write'
    }
    const { producer } = plainProducer(fake, { queued: 10_000 })
    for (const value of numbered(20)) producer.send(record(fake, value.padEnd(1_000)))
    expect(producer.writable).toBe(false)
    let isDrained = false
    const draining = producer.drained().then(() => (isDrained = true))
    await soon('a request', () => fake.produces.length === 1)
    expect(isDrained).toBe(false)
    release()
    await draining
    expect(producer.writable).toBe(true)
    await producer.flush()
    expect(fake.values().map(value => value.trim())).toEqual(numbered(20))
  })

  test('what comes during a request makes the next batch, and lingering ends by itself', async () => {
    const fake = await fakeLogs()
    const { producer } = plainProducer(fake, { 'linger.ms': 20 })
    for (const value of numbered(10)) producer.send(record(fake, value))
    expect(fake.produces).toEqual([])
    await soon('the records', () => fake.values().length === 10)
    expect(fake.produces).toHaveLength(1)
  })

  test('close forgets what waits, refuses who waits for it, and leaves no connection', async () => {
    const fake = await fakeLogs()
    fake.fate = () => 'silence'
    const { producer } = plainProducer(fake)
    producer.send(record(fake, 'v'))
    const flushing = refusal(producer.flush())
    await soon('the request', () => fake.produces.length === 1)
    await producer.close()
    expect(await flushing).toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(thrown(() => producer.send(record(fake, 'v')))).toMatchObject({ code: 'CLIENT_CLOSED' })
    // The one that is left is the cluster's, for questions.
    await soon('the end of its connection', () => fake.openConnections === 1)
  })
})

describe('what the direct path does not speak', () => {
  async function opened(client: { [name: string]: string | number }, old = false) {
    const fake = await fakeLogs()
    if (old) fake.versions = { ...fake.versions, 24: [4, 5], 1: [4, 17] }
    else fake.versions = { ...fake.versions, 1: [4, 17] }
    const lines: string[] = []
    const logger = { log: (_level: string, message: string) => void lines.push(message) }
    const paths = await openDirectPaths(
      { brokers: fake.address, client, clock: systemClock, logger },
      () => undefined,
    )
    paths.close()
    return { paths, lines }
  }

  test.each([{ 'compression.type': 'zstd' }, { 'compression.codec': 'lz4' }, { acks: 1 }] as const)(
    '%o is sent with the native client, and one line says so',
    async client => {
      const { paths, lines } = await opened(client as { [name: string]: string | number })
      expect(paths.produce).toBeUndefined()
      expect(paths.fetch).toBeDefined()
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(
        /^records are sent with the native client, not directly, for (compression|acks)/,
      )
    },
  )

  test('a broker without a version of ours is written to with the native client', async () => {
    const { paths, lines } = await opened({}, true)
    expect(paths.produce).toBeUndefined()
    expect(lines[0]).toContain('AddPartitionsToTxn')
  })

  test('gzip and snappy are spoken', async () => {
    for (const codec of ['gzip', 'snappy', 'none']) {
      const { paths, lines } = await opened({ 'compression.type': codec })
      expect(paths.produce).toBeDefined()
      expect(lines).toEqual([])
    }
  })
})
