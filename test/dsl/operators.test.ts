import { describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/streams-builder.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Record } from '../../lib/processor/record.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

// What the golden cases cannot show: objects as keys and values, callbacks that change them, and processors that misbehave.

interface Row {
  readonly group: { readonly id: number }
  readonly amount: number
}

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Pipes the records through the topology and returns what came out of topic `out`. */
function run<K, V, KOut, VOut>(
  builder: StreamsBuilder,
  input: {
    readonly keySerde: Serde<K>
    readonly valueSerde: Serde<V>
    readonly records: readonly (readonly [K, V | null])[]
  },
  output: { readonly keySerde: Serde<KOut>; readonly valueSerde: Serde<VOut> },
) {
  using driver = new TopologyTestDriver(builder.build(), { config: { cacheBytesMax: 0 } })
  const topic = driver.createInputTopic('in', { keySerde: input.keySerde, valueSerde: input.valueSerde })
  for (const [key, value] of input.records) topic.pipeInput(key, value, { timestamp: 1 })
  return driver.createOutputTopic('out', output).readKeyValues()
}

describe('dsl: aggregates that are changed in place', () => {
  it('the old value that a group below takes away is the one before the change', () => {
    const builder = new StreamsBuilder()
    const lists = builder
      .stream('in', strings)
      .groupByKey()
      .aggregate(
        (): string[] => [],
        (list, value) => {
          list.push(value)
          return list
        },
        { valueSerde: serdes.json<string[]>() },
      )
    lists
      .groupBy(list => ['all', list.length], { keySerde: serdes.string(), valueSerde: serdes.int64() })
      .aggregate(
        {
          initializer: () => 0,
          adder: (sum, length) => sum + length,
          subtractor: (sum, length) => sum - length,
        },
        { valueSerde: serdes.int64() },
      )
      .toStream()
      .to('out')
    const records = [
      ['a', 'x'],
      ['a', 'y'],
      ['b', 'z'],
    ] as const
    const output = { keySerde: serdes.string(), valueSerde: serdes.int64() }
    expect(run(builder, { ...strings, records }, output)).toEqual([
      ['all', 1],
      ['all', 2],
      ['all', 3],
    ])
  })
})

describe('dsl: grouping a table by an object', () => {
  it('a row that stays in its group is one record, though the keys are two objects', () => {
    const builder = new StreamsBuilder()
    const rows = { keySerde: serdes.string(), valueSerde: serdes.json<Row>() }
    const keys = { keySerde: serdes.json<Row['group']>(), valueSerde: serdes.int64() }
    builder
      .table('in', rows)
      .groupBy(row => [{ id: row.group.id }, row.amount], keys)
      .reduce({ adder: (sum, amount) => sum + amount, subtractor: (sum, amount) => sum - amount })
      .toStream()
      .to('out')
    const records = [
      ['a', { group: { id: 1 }, amount: 5 }],
      ['a', { group: { id: 1 }, amount: 7 }],
      ['a', { group: { id: 2 }, amount: 7 }],
    ] as const
    expect(run(builder, { ...rows, records }, keys)).toEqual([
      [{ id: 1 }, 5],
      [{ id: 1 }, 7],
      [{ id: 1 }, 0],
      [{ id: 2 }, 7],
    ])
  })
})

describe('dsl: serdes that were left open', () => {
  it('values of a grouped table fall to the default serde', () => {
    const builder = new StreamsBuilder()
    builder
      .table<string, string>('in')
      .groupBy((value, key) => [value, key])
      .count()
      .toStream()
      .to('out')
    const config = { defaultKeySerde: serdes.string(), defaultValueSerde: serdes.string(), cacheBytesMax: 0 }
    using driver = new TopologyTestDriver(builder.build(), { config })
    driver.createInputTopic('in', strings).pipeInput('a', 'x', { timestamp: 1 })
    const output = driver.createOutputTopic('out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
    expect(output.readKeyValues()).toEqual([['x', 1]])
  })

  it('a grouping keeps the value serde of its stream where it is given only another one', () => {
    const builder = new StreamsBuilder()
    const pairs = { keySerde: serdes.string(), valueSerde: serdes.int64() }
    const group = builder.stream('in', pairs).groupBy((_value, key) => key, { keySerde: serdes.string() })
    group
      .reduce((sum, value) => sum + value)
      .toStream()
      .to('out')
    const records = [
      ['a', 1],
      ['a', 2],
    ] as const
    expect(run(builder, { ...pairs, records }, pairs)).toEqual([
      ['a', 1],
      ['a', 3],
    ])
  })
})

class Rekey implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
  }

  process(record: Record<string, string>): void {
    this.#context.forward(record.withKey(record.value))
  }
}

describe('dsl: processors', () => {
  it('processValues: another key is refused, the same one is not', () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', strings)
      .processValues(() => new Rekey())
      .to('out', strings)
    expect(run(builder, { ...strings, records: [['same', 'same']] }, strings)).toEqual([['same', 'same']])
    expect(() => run(builder, { ...strings, records: [['a', 'b']] }, strings)).toThrow(/processValues/)
  })

  it('process: a key may change, and what is grouped after it goes through a topic', () => {
    const builder = new StreamsBuilder()
    const counts = builder
      .stream('in', strings)
      .process(() => new Rekey())
      .groupByKey(strings)
      .count()
    counts.toStream().to('out')
    expect(builder.build().plan('app').repartitionTopics.size).toBe(1)
    const output = { keySerde: serdes.string(), valueSerde: serdes.int64() }
    expect(
      run(
        builder,
        {
          ...strings,
          records: [
            ['a', 'x'],
            ['b', 'x'],
          ],
        },
        output,
      ),
    ).toEqual([
      ['x', 1],
      ['x', 2],
    ])
  })
})
