import { describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Keeps what a partitioner is called with, and chooses the only partition. */
function noting(calls: unknown[][]): (...given: unknown[]) => number {
  return (...given) => {
    calls.push(given)
    return 0
  }
}

describe('dsl: callbacks of sinks take the value first, the key second', () => {
  it('topic name extractors, which get the context third', () => {
    const builder = new StreamsBuilder()
    builder.stream('in', strings).to((value, key, { topic, offset }) => `${value}-${key}-${topic}-${offset}`)
    using driver = new TopologyTestDriver(builder.build())
    driver.createInputTopic('in', strings).pipeInput('key', 'value', { timestamp: 1 })
    const output = driver.createOutputTopic('value-key-in-0', strings)
    expect(output.readKeyValues()).toEqual([['key', 'value']])
  })

  it('partitioners of sinks and repartition topics, which get the topic and its partition count then', () => {
    const calls: unknown[][] = []
    const builder = new StreamsBuilder()
    builder
      .stream('in', strings)
      .repartition({ name: 'between', partitioner: noting(calls) })
      .to('out', { partitioner: noting(calls) })
    using driver = new TopologyTestDriver(builder.build())
    driver.createInputTopic('in', strings).pipeInput('key', 'value', { timestamp: 1 })
    expect(calls).toEqual([
      ['value', 'key', 'test-application-between-repartition', 1],
      ['value', 'key', 'out', 1],
    ])
  })

  it('partitioners of a foreign-key join, whose value is null', () => {
    const answers: unknown[][] = []
    const subscriptions: unknown[][] = []
    const builder = new StreamsBuilder()
    const orders = builder.table('orders', strings)
    const users = builder.table('users', strings)
    orders.join(
      users,
      user => user,
      (order, user) => order + user,
      { name: 'join', partitioner: noting(answers), otherPartitioner: noting(subscriptions) },
    )
    using driver = new TopologyTestDriver(builder.build())
    driver.createInputTopic('users', strings).pipeInput('ada', 'Ada', { timestamp: 1 })
    driver.createInputTopic('orders', strings).pipeInput('order', 'ada', { timestamp: 2 })
    const topic = (name: string) => `test-application-join-subscription-${name}-topic`
    expect(subscriptions).toEqual([[null, 'ada', topic('registration'), 1]])
    expect(answers).toEqual([[null, 'order', topic('response'), 1]])
  })
})

/** What is no topic, and what the message says of it. */
const NO_TOPICS: readonly (readonly [what: string, topic: unknown, said: RegExp])[] = [
  ['null', null, /null/],
  ['nothing', undefined, /undefined/],
  ['an empty text', '', /an empty text/],
  ['a number', 7, /number/],
  ['an object', { topic: 'out' }, /object/],
  ['a promise', Promise.resolve('out'), /a promise.*mapValuesAsync/],
]

describe('dsl: a topic name extractor that names none', () => {
  const routed = (topic: unknown, isBehindProcessor: boolean, config: Partial<StreamsConfig> = {}) => {
    const builder = new StreamsBuilder()
    const stream = builder.stream('in', strings)
    const source = isBehindProcessor ? stream.peek(() => undefined, { name: 'above' }) : stream
    const extractor = (value: string) => (value === 'bad' ? topic : 'out') as string
    source.to(extractor, { ...strings, name: 'sink' })
    const driver = new TopologyTestDriver(builder.build(), { config })
    return { driver, input: driver.createInputTopic('in', strings) }
  }

  it.each(NO_TOPICS)('but %s is an error with sink and record', (_what, topic, said) => {
    for (const isBehindProcessor of [true, false]) {
      const { input } = routed(topic, isBehindProcessor)
      input.pipeInput('key', 'good', { timestamp: 1 })
      const cause = expect.objectContaining({ message: expect.stringMatching(said) as unknown }) as unknown
      const message = expect.stringMatching(/in-0@1: .*sink "sink" returned/) as unknown
      expect(() => input.pipeInput('key', 'bad', { timestamp: 1 })).toThrow(
        expect.objectContaining({ code: 'PROCESSING_FAILED', message, cause }) as Error,
      )
    }
  })

  it('goes to the handler of processing errors, also right below a source', () => {
    for (const isBehindProcessor of [true, false]) {
      const told: unknown[] = []
      const { driver, input } = routed(null, isBehindProcessor, {
        processingErrorHandler: (error, { nodeName, offset }) => {
          told.push([(error as Error & { code: string }).code, nodeName, offset])
          return 'continue'
        },
      })
      for (const value of ['a', 'bad', 'b']) input.pipeInput('key', value, { timestamp: 1 })
      const node = isBehindProcessor ? 'above' : 'KSTREAM-SOURCE-0000000000'
      expect(told).toEqual([['INVALID_TOPIC_NAME', node, 1]])
      expect(driver.createOutputTopic('out', strings).readKeyValues()).toEqual([
        ['key', 'a'],
        ['key', 'b'],
      ])
      expect(driver.metricTotal('dropped-records-total')).toBe(1)
    }
  })
})

describe('dsl: a partitioner that chooses what is no partition', () => {
  it.each([
    ['null', null, /partition null of topic "out", which has partitions 0 to 0/],
    ['a text', '0', /partition 0 of topic "out"/],
    ['a fraction', 0.5, /partition 0\.5/],
    ['one beyond the last', 1, /partition 1 /],
    ['a list with one beyond the last', [0, 1], /partition 1 /],
    ['an object', {}, /partition \[object Object\]/],
    ['a promise', Promise.resolve(0), /partitioner for topic "out" returned a promise.*mapValuesAsync/],
  ])('such as %s ends the application with topic and record', (_what, chosen, said) => {
    const builder = new StreamsBuilder()
    builder.stream('in', strings).to('out', { partitioner: () => chosen as number })
    using driver = new TopologyTestDriver(builder.build())
    const input = driver.createInputTopic('in', strings)
    expect(() => input.pipeInput('key', 'value', { timestamp: 1 })).toThrow(
      expect.objectContaining({
        code: 'PROCESSING_FAILED',
        message: expect.stringMatching(/record in-0@0/) as unknown,
        cause: expect.objectContaining({ message: expect.stringMatching(said) as unknown }) as unknown,
      }) as Error,
    )
  })
})
