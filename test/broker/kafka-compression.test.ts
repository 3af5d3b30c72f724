import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openKafkaBroker } from '../../lib/broker/kafka/adapter/kafka-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { record, Stage } from '../conformance/broker/stage.ts'
import { needs } from '../support/needs.ts'

const { brokers, suite } = await needs('native client', 'broker')
const plain = { brokers, clock: systemClock, logger: silentLogger }
const CODECS = ['gzip', 'snappy', 'lz4', 'zstd']

await suite('compressed batches are read directly', () => {
  let reading: Broker
  beforeAll(async () => {
    reading = await openKafkaBroker(plain)
  })
  afterAll(() => reading.close())

  /** Small and large, of little and much repetition, so that batches have one block and many. */
  const values = Array.from({ length: 2_000 }, (_, index) =>
    index % 500 === 0
      ? `${index}`.repeat(40_000)
      : `${index} ${'abcdefg'.repeat(index % 17)} ${randomUUID()}`,
  )

  test.each(CODECS)('%s as librdkafka writes it', async codec => {
    const writing = await opened(codec, 'native')
    await expectRoundTrip(writing, {})
    await writing.close()
  })

  // The broker reads through every batch that it takes, with the libraries of the JVM.
  test.each(['gzip', 'snappy'])(
    '%s as the direct path writes it, and the native client reads it',
    async codec => {
      const native = await openKafkaBroker({ ...plain, fetch: 'native' })
      const writing = await opened(codec, 'direct')
      for (const each of [reading, native]) await expectRoundTrip(writing, {}, each)
      await writing.close()
      await native.close()
    },
  )

  // The broker compresses with the libraries of the JVM, which frame snappy, lz4 and zstd in ways of their
  // own.
  test.each(CODECS)('%s as the JVM writes it', async codec => {
    await expectRoundTrip(reading, { 'compression.type': codec })
  })

  function opened(codec: string, produce: 'direct' | 'native'): Promise<Broker> {
    return openKafkaBroker({ ...plain, produce, client: { 'compression.type': codec } })
  }

  async function expectRoundTrip(
    writing: Broker,
    config: { readonly [name: string]: string },
    readingBack = reading,
  ): Promise<void> {
    const stage = new Stage(readingBack, {
      sessionTimeoutMsMin: 1_000,
      createsTopicsOnSend: false,
      refusedValueBytes: 2_000_000,
    })
    const topic = await stage.topic(1, config)
    const producer = await writing.producer({ clientId: 'compressing' })
    for (const each of values) producer.send(record(topic, each))
    await producer.flush()
    await producer.close()
    const read = await stage.values(topic)
    await stage.dispose()
    expect(read.length).toBe(values.length)
    // Not by `toEqual`, whose message would be a megabyte.
    expect(read.findIndex((each, index) => each !== values[index])).toBe(-1)
  }
})
