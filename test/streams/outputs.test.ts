import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { continueOnError } from '../../lib/processor/error-handlers.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { fastClock } from '../support/fast-clock.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

async function memoryBroker(topics: { readonly [topic: string]: number }): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, topics)
  return broker
}

async function application(
  broker: Broker,
  topology: Topology,
  config: Partial<StreamsConfig> = {},
  clock: Clock = systemClock,
): Promise<KafkaStreams> {
  const stateDir = await temporaryDirectory()
  const settings = { applicationId: 'app', commitIntervalMs: 10, ...config, stateDir }
  const streams = new KafkaStreams(topology, settings, { broker, clock, logger: silentLogger })
  onTestFinished(() => streams.close())
  return streams
}

const valuesOf = async (broker: Broker, topic: string) =>
  (await readAll(broker, topic)).map(({ value }) => textOf(value))

function lines(count: number): (readonly [string, string])[] {
  return Array.from({ length: count }, (_, i) => ['key', `${i % 2 === 0 ? 'even' : 'odd'}-${i}`] as const)
}

describe('topics named record by record', () => {
  const routed = () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', text)
      // Several outputs of one record wait for the same topic.
      .flatMapValues(value => [`${value}.1`, `${value}.2`, `${value}.3`])
      .to(value => String(value).split('-')[0] ?? '', text)
    return builder.build()
  }

  it.each(['exactly-once', 'at-least-once'] as const)(
    'are looked up when their first record comes, and keep its place (%s)',
    async processingGuarantee => {
      const broker = await memoryBroker({ in: 1, even: 3, odd: 1 })
      const streams = await application(broker, routed(), { processingGuarantee })
      await streams.start()
      const written = lines(500)
      await produce(broker, 'in', 1, written)
      const valuesWith = (word: string) =>
        written
          .filter(([, value]) => value.startsWith(word))
          .flatMap(([, value]) => [`${value}.1`, `${value}.2`, `${value}.3`])
      await eventually(async () => expect(await valuesOf(broker, 'odd')).toEqual(valuesWith('odd')))
      // One key: one partition of three, in order.
      await eventually(async () => expect(await valuesOf(broker, 'even')).toEqual(valuesWith('even')))
    },
  )

  it('that do not exist for half a minute end the application with their name', async () => {
    const broker = await memoryBroker({ in: 1, even: 1 })
    const streams = await application(broker, routed(), {}, fastClock(20))
    await streams.start()
    await produce(broker, 'in', 1, lines(2))
    await eventually(() => expect(streams.state).toBe('error'))
    expect(streams.error).toMatchObject({
      code: 'PRODUCTION_FAILED',
      message: expect.stringContaining('"odd"'),
    })
    // The record that had a topic is there once, if a commit came between the two, or not at all.
    expect([0, 3]).toContain((await valuesOf(broker, 'even')).length)
  })

  it("that do not exist are the handler's affair: what has no topic becomes a letter", async () => {
    const broker = await memoryBroker({ in: 1, even: 1, letters: 1 })
    const config = { productionErrorHandler: continueOnError, deadLetterQueueTopic: 'letters' }
    const streams = await application(broker, routed(), config, fastClock(20))
    await streams.start()
    const written = lines(40)
    await produce(broker, 'in', 1, written)
    const odd = written.map(([, value]) => value).filter(value => value.startsWith('odd'))
    // Three outputs of each.
    await eventually(async () =>
      expect(await valuesOf(broker, 'letters')).toEqual(odd.flatMap(value => [value, value, value])),
    )
    await eventually(async () => expect(await valuesOf(broker, 'even')).toHaveLength(3 * (40 - odd.length)))
    expect(streams.metrics.total('dropped-records-total')).toBe(3 * odd.length)
  })

  it('that come a little late are waited for', async () => {
    const broker = await memoryBroker({ in: 1, even: 1 })
    const streams = await application(broker, routed(), {}, fastClock(5))
    await streams.start()
    await produce(broker, 'in', 1, lines(2))
    await eventually(() => expect(streams.metrics.total('abort-total')).toBeGreaterThan(1))
    await createTopics(broker, { odd: 1 })
    await eventually(async () => expect(await valuesOf(broker, 'odd')).toHaveLength(3))
    expect(streams.state).toBe('running')
  })
})

describe('topics read by pattern', () => {
  const copied = () => {
    const builder = new StreamsBuilder()
    builder.stream(/in-[a-z]+/, text).to('out', text)
    return builder.build()
  }
  const config = { metadataIntervalMs: 20 }

  it('are those that match at the start', async () => {
    const broker = await memoryBroker({ 'in-a': 1, 'in-b': 2, 'in-7': 1, out: 1 })
    const streams = await application(broker, copied(), config)
    await streams.start()
    await produce(broker, 'in-7', 1, [['k', 'no']])
    await produce(broker, 'in-a', 1, [['k', 'a']])
    await produce(broker, 'in-b', 2, [['k', 'b']])
    await eventually(async () => expect((await valuesOf(broker, 'out')).sort()).toEqual(['a', 'b']))
  })

  it('and those that are created later', async () => {
    const broker = await memoryBroker({ out: 1 })
    const streams = await application(broker, copied(), config)
    await streams.start()
    await createTopics(broker, { 'in-new': 2 })
    await produce(broker, 'in-new', 2, [['k', 'first']])
    await eventually(async () => expect(await valuesOf(broker, 'out')).toEqual(['first']))
    await createTopics(broker, { 'in-newer': 3 })
    await produce(broker, 'in-newer', 3, [['k', 'second']])
    await eventually(async () => expect(await valuesOf(broker, 'out')).toEqual(['first', 'second']))
  })
})

describe('topics read by pattern by two processes', () => {
  it('are divided anew when another one comes, each record processed once', async () => {
    const broker = await memoryBroker({ 'in-a': 4, out: 1 })
    const builder = () => {
      const made = new StreamsBuilder()
      made.stream(/in-[a-z]+/, text).to('out', text)
      return made.build()
    }
    const slow = await application(broker, builder(), { metadataIntervalMs: 1500 })
    const quick = await application(broker, builder(), { metadataIntervalMs: 1000 })
    await slow.start()
    await quick.start()
    const records = (word: string) =>
      Array.from({ length: 40 }, (_, i) => [`key-${i}`, `${word}-${i}`] as const)
    await produce(broker, 'in-a', 4, records('a'))
    await createTopics(broker, { 'in-b': 8 })
    await produce(broker, 'in-b', 8, records('b'))
    const all = [...records('a'), ...records('b')].map(([, value]) => value).sort()
    await eventually(async () => expect((await valuesOf(broker, 'out')).sort()).toEqual(all))
    await eventually(() => expect([slow.state, quick.state]).toEqual(['running', 'running']))
  })
})

describe('dead letters', () => {
  const failing = () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', text)
      .selectKey(value => value)
      .mapValues(value => {
        if (value === 'bad') throw new Error('no good')
        return value
      })
      .to('out', text)
    return builder.build()
  }
  const headersOf = (headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]) =>
    Object.fromEntries(headers.map(({ key, value }) => [key, textOf(value)]))

  it('hold the record as it was read, and say why and where', async () => {
    const broker = await memoryBroker({ in: 1, out: 1, dead: 4 })
    const streams = await application(broker, failing(), {
      deadLetterQueueTopic: 'dead',
      processingErrorHandler: () => 'continue',
    })
    await streams.start()
    await produce(broker, 'in', 1, [
      ['a', 'good'],
      ['b', 'bad'],
    ])
    await eventually(async () => expect(await readAll(broker, 'dead')).toHaveLength(1))
    const [letter] = await readAll(broker, 'dead')
    expect([textOf(letter!.key), textOf(letter!.value)]).toEqual(['b', 'bad'])
    expect(headersOf(letter!.headers)).toMatchObject({
      '__streams.errors.exception': 'Error',
      '__streams.errors.message': 'no good',
      '__streams.errors.topic': 'in',
      '__streams.errors.partition': '0',
      '__streams.errors.offset': '1',
    })
    await eventually(async () => expect(await valuesOf(broker, 'out')).toEqual(['good']))
  })

  it('are of the transaction that fails, and gone with it', async () => {
    const broker = await memoryBroker({ in: 1, out: 1, dead: 1 })
    const streams = await application(broker, failing(), { deadLetterQueueTopic: 'dead' })
    await streams.start()
    await produce(broker, 'in', 1, [['b', 'bad']])
    await eventually(() => expect(streams.state).toBe('error'))
    expect(await readAll(broker, 'dead')).toEqual([])
  })

  it('may be the handler’s own, in a topic that it names', async () => {
    const broker = await memoryBroker({ in: 1, out: 1, mine: 1 })
    const streams = await application(broker, failing(), {
      processingErrorHandler: (error, { source, timestamp }) => ({
        answer: 'continue',
        deadLetters: [
          {
            topic: 'mine',
            key: null,
            value: source?.value ?? null,
            timestamp,
            headers: [{ key: 'why', value: Buffer.from(error.message) }],
          },
        ],
      }),
    })
    await streams.start()
    await produce(broker, 'in', 1, [['b', 'bad']])
    await eventually(async () => expect(await valuesOf(broker, 'mine')).toEqual(['bad']))
    expect(headersOf((await readAll(broker, 'mine'))[0]!.headers)).toEqual({ why: 'no good' })
  })

  it('need a topic that exists', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    const streams = await application(broker, failing(), { deadLetterQueueTopic: 'dead' })
    await expect(streams.start()).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: expect.stringContaining('"dead"'),
    })
  })
})

describe('a production error handler', () => {
  it('that asks for another try gets one, from the last commit on', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    let refusals = 2
    const flaky = {
      ...serdes.string(),
      serialize: (value: string, context: { readonly topic: string }) => {
        if (value === 'bad' && context.topic === 'out' && refusals-- > 0) throw new Error('not yet')
        return serdes.string().serialize(value, context)
      },
    }
    const builder = new StreamsBuilder()
    builder.stream('in', text).to('out', { keySerde: serdes.string(), valueSerde: flaky })
    const streams = await application(broker, builder.build(), { productionErrorHandler: () => 'retry' })
    await streams.start()
    await produce(broker, 'in', 1, [
      ['a', 'good'],
      ['b', 'bad'],
    ])
    await eventually(async () => expect(await valuesOf(broker, 'out')).toEqual(['good', 'bad']))
    expect(refusals).toBeLessThan(1)
  })
})
