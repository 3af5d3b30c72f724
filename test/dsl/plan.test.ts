import { describe, expect, it } from 'vitest'
import { TopologyError } from '../../lib/common/errors/errors.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { SubtopologyPlan } from '../../lib/topology/plan.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

function storesOf(subtopologies: readonly SubtopologyPlan[]) {
  return subtopologies.flatMap(({ stores }) => stores)
}

describe('dsl: co-partitioning', () => {
  it('of a stream and a table, from the topics both were read from', () => {
    const builder = new StreamsBuilder()
    const table = builder.table('table', strings)
    builder.stream('stream', strings).join(table, (left, right) => left + right)
    expect(builder.build().plan('app').coPartitionGroups).toEqual([
      { topics: ['stream', 'table'], repartitionTopics: [] },
    ])
  })

  it('of a rekeyed stream: its repartition topic adapts to the table', () => {
    const builder = new StreamsBuilder()
    const table = builder.table('table', strings)
    const rekeyed = builder.stream('stream', strings).selectKey(value => value)
    rekeyed.join(table, (left, right) => left + right, { name: 'lookup' })
    const plan = builder.build().plan('app')
    expect(plan.coPartitionGroups).toEqual([
      { topics: ['table'], repartitionTopics: ['app-lookup-repartition'] },
    ])
    expect(plan.repartitionTopics.get('app-lookup-repartition')).toMatchObject({ partitionCount: undefined })
  })

  it('of a stream whose source was merged into another one', () => {
    const builder = new StreamsBuilder()
    const table = builder.table('table', strings)
    builder.stream('stream', strings).to('out')
    builder.stream('stream', strings).join(table, (left, right) => left + right)
    expect(builder.build().plan('app').coPartitionGroups).toEqual([
      { topics: ['stream', 'table'], repartitionTopics: [] },
    ])
  })

  it('is impossible where the program itself gives unlike counts', () => {
    const builder = new StreamsBuilder()
    const table = builder.stream('a', strings).repartition({ name: 'left', partitionCount: 2 }).toTable()
    const stream = builder.stream('b', strings).repartition({ name: 'right', partitionCount: 3 })
    stream.join(table, (left, right) => left + right)
    expect(() => builder.build()).toThrow(/right-repartition has 3, left-repartition has 2/)
  })

  it('says nothing about global tables', () => {
    const builder = new StreamsBuilder()
    const table = builder.globalTable('table', strings)
    const joined = builder.stream('stream', strings).join(
      table,
      value => value,
      (left, right) => left + right,
    )
    joined.to('out')
    expect(builder.build().plan('app').coPartitionGroups).toEqual([])
  })
})

describe('dsl: repartition topics', () => {
  it('joins of one stream share theirs', () => {
    const builder = new StreamsBuilder()
    const [one, two] = [builder.table('one', strings), builder.table('two', strings)]
    const rekeyed = builder.stream('stream', strings).selectKey(value => value)
    rekeyed.join(one, (left, right) => left + right)
    rekeyed.join(two, (left, right) => left + right)
    expect(builder.build().plan('app').repartitionTopics.size).toBe(1)
  })

  it('a merged stream needs one if either side was rekeyed', () => {
    const topics = (rekeyLeft: boolean, rekeyRight: boolean) => {
      const builder = new StreamsBuilder()
      const side = (topic: string, rekey: boolean) => {
        const stream = builder.stream(topic, strings)
        return rekey ? stream.selectKey(value => value) : stream
      }
      side('a', rekeyLeft).merge(side('b', rekeyRight)).groupByKey().count()
      return builder.build().plan('app').repartitionTopics.size
    }
    expect([topics(false, false), topics(true, false), topics(false, true)]).toEqual([0, 1, 1])
  })

  it('a partition count is taken over, and must be one', () => {
    const builder = new StreamsBuilder()
    const stream = builder.stream('stream', strings)
    stream.repartition({ name: 'wide', partitionCount: 12 }).to('out')
    expect(builder.build().plan('app').repartitionTopics.get('app-wide-repartition')?.partitionCount).toBe(12)
    expect(() => stream.repartition({ partitionCount: 0 })).toThrow(TypeError)
    expect(() => stream.repartition({ partitionCount: 1.5 })).toThrow('partitionCount is 1.5')
  })
})

describe('dsl: stores', () => {
  it('a table has one only if somebody needs it', () => {
    const plan = (use: (builder: StreamsBuilder) => unknown) => {
      const builder = new StreamsBuilder()
      use(builder)
      return storesOf(builder.build().plan('app').subtopologies).map(({ builder: { name } }) => name)
    }
    expect(plan(builder => builder.table('t').toStream().to('out'))).toEqual([])
    expect(
      plan(builder =>
        builder
          .table('t')
          .filter(() => true)
          .toStream()
          .to('out'),
      ),
    ).toEqual([])
    expect(plan(builder => builder.table('t', { storeName: 's' }))).toEqual(['s'])
    expect(
      plan(builder =>
        builder
          .table('t')
          .groupBy((v, k) => [v, k])
          .count({ storeName: 'c' }),
      ),
    ).toEqual(['t-STATE-STORE-0000000000', 'c'])
    expect(plan(builder => builder.stream('s').join(builder.table('t'), left => left))).toEqual([
      't-STATE-STORE-0000000001',
    ])
  })

  it('are cached, persistent and logged unless the options say otherwise', () => {
    const builder = new StreamsBuilder()
    const group = builder.stream('in', strings).groupByKey()
    group.count({ storeName: 'usual' })
    group.count({ storeName: 'unusual', storeType: 'in-memory', caching: false, logging: false })
    group.count({ storeName: 'tuned', logging: { config: { 'segment.bytes': '1000000' } } })
    const found = storesOf(builder.build().plan('app').subtopologies)
    expect(found).toMatchObject([
      { changelogTopic: 'app-usual-changelog', builder: { name: 'usual', persistent: true, caching: true } },
      { changelogTopic: undefined, builder: { name: 'unusual', persistent: false, caching: false } },
      { builder: { name: 'tuned', changelog: { config: { 'segment.bytes': '1000000' } } } },
    ])
  })

  it('of tables can be queried by the name they were given only', () => {
    const builder = new StreamsBuilder()
    expect(builder.table('a', { storeName: 'named' }).queryableStoreName).toBe('named')
    expect(builder.table('b').queryableStoreName).toBeUndefined()
    expect(builder.globalTable('c', { storeName: 'whole' }).queryableStoreName).toBe('whole')
    expect(builder.stream('d').groupByKey().count().queryableStoreName).toBeUndefined()
  })
})

describe('dsl: building', () => {
  it('twice gives the same', () => {
    const builder = new StreamsBuilder()
    builder.stream('in', strings).to('out')
    builder
      .stream('in', strings)
      .groupBy(value => value)
      .count()
      .toStream()
      .to('counts')
    expect(builder.build().describe()).toBe(builder.build().describe())
  })

  it.each(['', '.', '..', 'with space', 'ä', 'x'.repeat(250)])('refuses the name "%s"', name => {
    const stream = new StreamsBuilder().stream('in')
    expect(() => stream.filter(() => true, { name })).toThrow(TopologyError)
  })

  it('refuses what comes from another builder', () => {
    const stream = new StreamsBuilder().stream('in', strings)
    const other = new StreamsBuilder()
    expect(() => stream.merge(other.stream('in', strings))).toThrow('same builder')
    expect(() => stream.join(other.table('t', strings), left => left)).toThrow('same builder')
  })

  it('refuses overlapping topics, and unlike beginnings of the same', () => {
    const overlapping = new StreamsBuilder()
    overlapping.stream(['a', 'b'])
    overlapping.stream(['b', 'c'])
    expect(() => overlapping.build()).toThrow('[a, b] and [b, c]')
    const unlike = new StreamsBuilder()
    unlike.stream('a', { offsetReset: 'latest' })
    unlike.stream('a')
    expect(() => unlike.build()).toThrow('offsetReset')
  })
})
