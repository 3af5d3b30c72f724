import { describe, expect, test } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { ProcessorWrapper } from '../../lib/processor/processor-wrapper.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import type { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { Topology } from '../../lib/topology/topology.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Writes down every record that a processor gets. */
function tracing(trace: string[]): ProcessorWrapper {
  return {
    wrapSupplier: (name, supplier) => ({
      ...supplier,
      get() {
        const inner = supplier.get()
        return {
          init: context => inner.init?.(context),
          process(record) {
            trace.push(`${name} ${String(record.key)}`)
            inner.process(record)
          },
          close: () => inner.close?.(),
        }
      },
    }),
  }
}

describe('processor wrapper', () => {
  test('sees what operators of the DSL, processors added later, and those of global stores get', () => {
    const trace: string[] = []
    const builder = new StreamsBuilder()
    const stream = builder.stream<string, string>('in', TEXT)
    stream
      .filter(value => value !== 'no', { name: 'keep' })
      .groupBy(value => value, { ...TEXT, name: 'by-value' })
      .count({ name: 'counted' })
    builder.globalTable('all', { ...TEXT, name: 'everywhere' })
    const topology = builder.build({ processorWrapper: tracing(trace) })
    topology.addProcessor('late', () => ({ process: () => undefined }), {
      parents: ['KSTREAM-SOURCE-0000000000'],
    })
    using driver = new TopologyTestDriver(topology, { config: { cacheBytesMax: 0 } })
    driver.createInputTopic('in', TEXT).pipeInput('a', 'x', { timestamp: 1 })
    driver.createInputTopic('all', TEXT).pipeInput('g', 'x', { timestamp: 1 })
    expect(trace).toEqual([
      'keep a',
      'by-value a',
      'by-value-repartition-filter x',
      'late a',
      'counted x',
      'everywhere g',
    ])
  })

  test('may add stores of its own', () => {
    const seen = stores.keyValueStore<string, string>({ name: 'seen', ...TEXT })
    const wrapper: ProcessorWrapper = {
      wrapSupplier: (_name, supplier) => ({
        stores: [...(supplier.stores ?? []), seen],
        get: () => new Remembering(supplier.get()),
      }),
    }
    const topology = new Topology({ processorWrapper: wrapper })
      .addSource('source', { topics: ['in'], ...TEXT })
      .addProcessor('p', () => ({ process: () => undefined }), { parents: ['source'] })
    using driver = new TopologyTestDriver(topology)
    driver.createInputTopic('in', TEXT).pipeInput('a', 'x')
    expect(driver.getKeyValueStore<string, string>('seen').get('a')).toBe('x')
  })

  test('must make a new processor at every call', () => {
    const one: Processor = { process: () => undefined }
    const builder = new StreamsBuilder()
    builder.stream<string, string>('in', TEXT).peek(() => undefined)
    const build = () => builder.build({ processorWrapper: { wrapSupplier: () => ({ get: () => one }) } })
    expect(build).toThrow(expect.objectContaining({ code: 'SUPPLIER_REUSES_PROCESSOR' }))
  })
})

class Remembering implements Processor {
  readonly #inner: Processor
  #store!: KeyValueStore<unknown, unknown>

  constructor(inner: Processor) {
    this.#inner = inner
  }

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore('seen')
    this.#inner.init?.(context)
  }

  process(record: Record<unknown, unknown>): void {
    this.#store.put(record.key, record.value)
    this.#inner.process(record)
  }
}

describe('read-only stores', () => {
  test('are filled from their topic, read by other processors, and have no changelog of their own', () => {
    const prices = stores.keyValueStore<string, string>({ name: 'prices', ...TEXT })
    const builder = new StreamsBuilder()
    builder.addReadOnlyStateStore(prices, 'prices', () => new Filling(), { ...TEXT, name: 'fill' })
    builder
      .stream<string, string>('orders', TEXT)
      .processValues(() => new Pricing(), { stores: ['prices'] })
      .to('priced', TEXT)
    const topology = builder.build()
    using driver = new TopologyTestDriver(topology)
    driver.createInputTopic('prices', TEXT).pipeInput('apple', '3')
    driver.createInputTopic('orders', TEXT).pipeInput('apple', '2')
    expect(driver.createOutputTopic('priced', TEXT).readValue()).toBe('2 at 3')
    expect(driver.producedTopicNames()).toEqual(['priced'])
    const [plan] = topology.plan('app').subtopologies
    expect(plan?.stores).toMatchObject([{ changelogTopic: 'prices', changelogIsSource: true }])
  })
})

class Filling implements Processor<string, string> {
  #store!: KeyValueStore<string, string>

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore('prices')
  }

  process({ key, value }: Record<string, string>): void {
    this.#store.put(key, value)
  }
}

class Pricing implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>
  #store!: KeyValueStore<string, string>

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
    this.#store = context.getStateStore('prices')
  }

  process(record: Record<string, string>): void {
    this.#context.forward(record.withValue(`${record.value} at ${this.#store.get(record.key)}`))
  }
}
