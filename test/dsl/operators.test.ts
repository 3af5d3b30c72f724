import { describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Record } from '../../lib/processor/record.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

// What the golden cases cannot show: objects as keys and values, callbacks that change them, and processors
// that misbehave.

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

describe('dsl: records without key', () => {
  const joined = (method: 'join' | 'leftJoin') => {
    const builder = new StreamsBuilder()
    const table = builder.table('table', strings)
    const rekeyed = builder
      .stream('in', strings)
      .selectKey(value => (value === 'x' ? null : value), { name: 'rekeyed' })
    const settings = { keySerde: serdes.string(), valueSerde: serdes.string(), name: 'lookup' }
    const result =
      method === 'join'
        ? rekeyed.join(table, (left, right) => `${left}+${right}`, settings)
        : rekeyed.leftJoin(table, (left, right) => `${left}+${right}`, settings)
    result.to('out', strings)
    return run(
      builder,
      {
        ...strings,
        records: [
          ['a', 'x'],
          ['b', 'y'],
        ],
      },
      strings,
    )
  }

  it('go through the repartition topic to a left join only', () => {
    expect(joined('leftJoin')).toEqual([
      [null, 'x+null'],
      ['y', 'y+null'],
    ])
    expect(joined('join')).toEqual([])
  })
})

describe('dsl: filters of tables', () => {
  it('say nothing about rows that never passed, where old values are at hand', () => {
    for (const options of [{}, { storeName: 'passed' }]) {
      const builder = new StreamsBuilder()
      const table = builder.table('in', { ...strings, storeName: 'all' })
      table
        .filter(value => value === 'x', options)
        .toStream()
        .to('out')
      const records = [
        ['a', 'y'],
        ['a', 'x'],
        ['a', 'z'],
        ['a', null],
        ['b', null],
      ] as const
      expect(run(builder, { ...strings, records }, strings)).toEqual([
        ['a', 'x'],
        ['a', null],
      ])
    }
  })
})

describe('dsl: results that are held back', () => {
  it('have the largest timestamp and the last headers of their records', () => {
    const builder = new StreamsBuilder()
    builder.stream('in', strings).groupByKey().count({ storeName: 'counts' }).toStream().to('out')
    using driver = new TopologyTestDriver(builder.build())
    const topic = driver.createInputTopic('in', strings)
    const header = (text: string) => [{ key: 'h', value: Buffer.from(text) }]
    topic.pipeInput('a', 'x', { timestamp: 5, headers: header('first') })
    topic.pipeInput('a', 'x', { timestamp: 3, headers: header('second') })
    const output = driver.createOutputTopic('out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
    const found = output
      .readRecords()
      .map(({ value, timestamp, headers }) => [value, timestamp, headers[0]?.value?.toString()])
    expect(found).toEqual([
      [1, 5, 'first'],
      [2, 5, 'second'],
    ])
  })
})

describe('dsl: aggregates of tables', () => {
  it('have the largest timestamp of the rows that made them', () => {
    const builder = new StreamsBuilder()
    const group = builder.table('in', strings).groupBy((value, key) => [value, key], strings)
    group.count().toStream().to('out')
    using driver = new TopologyTestDriver(builder.build(), { config: { cacheBytesMax: 0 } })
    const topic = driver.createInputTopic('in', strings)
    topic.pipeInput('a', 'g', { timestamp: 9 })
    topic.pipeInput('b', 'g', { timestamp: 4 })
    const output = driver.createOutputTopic('out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
    expect(output.readRecords().map(({ value, timestamp }) => [value, timestamp])).toEqual([
      [1, 9],
      [2, 9],
    ])
  })
})
