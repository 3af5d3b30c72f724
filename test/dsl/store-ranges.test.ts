import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KeyValueReads, ValueAndTimestamp } from '../../lib/store/contract/key-value-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { StateStore } from '../../lib/store/contract/state-store.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
type Counts = StateStore & KeyValueReads<string, ValueAndTimestamp<number>>

/** Answers each record with what the store has in keys up to that of the record. */
function listing(storeName: string) {
  return (): Processor<string, string, string, string> => {
    let context: ProcessorContext<string, string>
    let counts: Counts
    return {
      init(given) {
        context = given
        counts = given.getStateStore(storeName)
      },
      process({ key, timestamp }: Record<string, string>) {
        const rows = Array.from(counts.range(undefined, key), ([word, { value }]) => `${word}${value}`)
        context.forward(new Record(key, rows.join(' '), timestamp))
      },
    }
  }
}

interface Ranges {
  readonly ranges?: boolean
}

function countsAndList(options: Ranges): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream('in', strings)
    .groupByKey()
    .count({ storeName: 'counts', ...options })
  builder
    .stream('ask', strings)
    .process(listing('counts'), { stores: ['counts'] })
    .to('answers', strings)
  return builder.build()
}

function pipeWords(driver: TopologyTestDriver, topic = 'in'): void {
  const input = driver.createInputTopic(topic, strings)
  for (const word of ['c', 'a', 'b', 'a']) input.pipeInput(word, 'x', { timestamp: 1 })
}

describe("stores of the DSL's operators", () => {
  it('can be read in ranges by the test, whatever they were built with', () => {
    using driver = new TopologyTestDriver(countsAndList({}))
    pipeWords(driver)
    const counts = driver.getTimestampedKeyValueStore<string, number>('counts')
    const rows = Array.from(counts.all(), ([word, { value }]) => [word, value])
    expect(rows).toEqual([
      ['a', 2],
      ['b', 1],
      ['c', 1],
    ])
    expect(Array.from(counts.reverseRange('a', 'b'), ([word]) => word)).toEqual(['b', 'a'])
    expect(Array.from(counts.prefixScan('c'), ([word]) => word)).toEqual(['c'])
  })

  it('with ranges are read in ranges by processors that are connected to them', () => {
    using driver = new TopologyTestDriver(countsAndList({ ranges: true }))
    pipeWords(driver)
    driver.createInputTopic('ask', strings).pipeInput('b', 'x', { timestamp: 1 })
    expect(driver.createOutputTopic('answers', strings).readValue()).toBe('a2 b1')
  })

  it('without ranges refuse a processor in the driver as anywhere else, and say which option it takes', () => {
    using driver = new TopologyTestDriver(countsAndList({}))
    pipeWords(driver)
    const ask = driver.createInputTopic('ask', strings)
    expect(() => ask.pipeInput('b', 'x', { timestamp: 1 })).toThrow(
      expect.objectContaining({
        code: 'PROCESSING_FAILED',
        message: expect.stringMatching(/store "counts" keeps no order.*ranges: true.*storeName/) as string,
      }),
    )
    // What the failed record leaves behind does not lock the test out.
    expect(Array.from(driver.getTimestampedKeyValueStore('counts').all())).toHaveLength(3)
  })

  it.each(['persistent', 'in-memory'] as const)(
    'with ranges know their keys after a restart (%s)',
    async storeType => {
      const broker = await openEmbeddedBroker()
      onTestFinished(() => broker.close())
      await createTopics(broker, { in: 1, ask: 1, answers: 1 })
      const stateDir = await temporaryDirectory()
      const start = async () => {
        const topology = countsAndList({ ranges: true, storeType } as Ranges)
        const config = { applicationId: 'listing', stateDir, maxTaskIdleMs: -1 }
        const streams = new KafkaStreams(topology, config, { broker, logger: silentLogger })
        onTestFinished(() => streams.close())
        await streams.start()
        return streams
      }
      const words = ['c', 'a', 'b', 'a'].map(word => [word, 'x', 1] as const)
      await produce(broker, 'in', 1, words)
      const first = await start()
      await eventually(() => expect(first.store<string, number>('counts').get('a')).toBe(2))
      await first.close()
      await start()
      await produce(broker, 'ask', 1, [['b', 'x', 2]])
      const answers = await eventually(async () => {
        const found = await readAll(broker, 'answers')
        return found.length > 0 && found
      })
      expect(answers.map(({ value }) => textOf(value))).toEqual(['a2 b1'])
    },
  )

  it('tables, derived and global ones take the option, and LRU maps', () => {
    const builder = new StreamsBuilder()
    const table = builder.table('table', { ...strings, storeName: 'rows', ranges: true })
    table.mapValues(value => `${value}!`, { ...strings, storeName: 'derived', ranges: true })
    builder.globalTable('global', { ...strings, storeName: 'everywhere', ranges: true })
    const lru = { ...strings, storeName: 'last', storeType: 'lru', entriesMax: 2, ranges: true } as const
    builder.table('lru', lru)
    const lists = ['rows', 'derived', 'last', 'everywhere']
    for (const name of lists) {
      const connected = name === 'everywhere' ? {} : { stores: [name] }
      builder
        .stream<string, string>(`ask-${name}`, strings)
        .process(listing(name), connected)
        .to(`answers-${name}`, strings)
    }
    using driver = new TopologyTestDriver(builder.build())
    for (const topic of ['table', 'global', 'lru']) {
      const input = driver.createInputTopic(topic, strings)
      for (const word of ['c', 'a', 'b']) input.pipeInput(word, word, { timestamp: 1 })
    }
    const answers = lists.map(name => {
      driver.createInputTopic(`ask-${name}`, strings).pipeInput('b', 'x', { timestamp: 1 })
      return driver.createOutputTopic(`answers-${name}`, strings).readValue()
    })
    expect(answers).toEqual(['aa bb', 'aa! bb!', 'aa bb', 'aa bb'])
  })

  it.each([
    [{ ranges: true }, /give a storeName/],
    [
      { ranges: true, storeName: 'rows', historyRetentionMs: 1_000 },
      /keeps versions cannot be read in ranges/,
    ],
  ])('%o is refused', (options, message) => {
    const builder = new StreamsBuilder()
    expect(() => builder.table('rows', { ...strings, ...options })).toThrow(message)
  })

  it('of windows are always read in ranges', () => {
    const builder = new StreamsBuilder()
    const group = builder.stream('in', strings).groupByKey()
    group.windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 })).count({ storeName: 'counts' })
    using driver = new TopologyTestDriver(builder.build())
    pipeWords(driver)
    const counts = driver.getTimestampedWindowStore<string, number>('counts')
    expect(Array.from(counts.all(), ([{ key }]) => key)).toEqual(['a', 'b', 'c'])
  })
})

it('a store that was built without ranges is read in ranges by the test of its topology', () => {
  const builder = new StreamsBuilder()
  builder.addStateStore(stores.keyValueStore({ name: 'plain', ...strings, ranges: false }))
  const write = (): Processor<string, string> => {
    let store: StateStore & { put(key: string, value: string): void }
    return {
      init: context => void (store = context.getStateStore('plain')),
      process: ({ key, value }) => store.put(key, value),
    }
  }
  builder.stream('in', strings).process(write, { stores: ['plain'] })
  using driver = new TopologyTestDriver(builder.build())
  pipeWords(driver)
  const plain = driver.getKeyValueStore<string, string>('plain')
  expect(Array.from(plain.all(), ([key]) => key)).toEqual(['a', 'b', 'c'])
  plain.put('d', 'of the test')
  plain.delete('a')
  expect(Array.from(plain.all(), ([key]) => key)).toEqual(['b', 'c', 'd'])
})
