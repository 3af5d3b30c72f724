import { describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
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
