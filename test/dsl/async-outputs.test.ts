import { describe, expect, it, onTestFinished } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

function open(builder: StreamsBuilder, config: Partial<StreamsConfig> = {}): TopologyTestDriver {
  const driver = new TopologyTestDriver(builder.build(), { config })
  onTestFinished(() => driver.close())
  return driver
}

describe('flatMapValuesAsync', () => {
  it('forwards the values of each input together, in the order of the inputs', async () => {
    const { driver, outputs } = flat(async value => value.split(' '))
    await driver.settled()
    expect(outputs()).toEqual(['a', 'b', 'c'])
  })

  it.each([
    ['a string', 'text', 'a string'],
    ['null', null, 'null'],
    ['a number', 1, 'a number'],
  ])('refuses %s', async (_, result, named) => {
    const { driver } = flat(async () => result as never)
    await expect(driver.settled()).rejects.toThrow(`flatMapValuesAsync got ${named}`)
  })

  it('forwards nothing of an iteration that fails', async () => {
    const { driver, outputs } = flat(
      async () =>
        (function* () {
          yield 'x'
          throw new Error('half way')
        })(),
      { processingErrorHandler: () => 'continue' },
    )
    await driver.settled()
    expect(outputs()).toEqual([])
  })

  function flat(mapper: (value: string) => Promise<Iterable<string>>, config: Partial<StreamsConfig> = {}) {
    const builder = new StreamsBuilder()
    builder.stream('in', TEXT).flatMapValuesAsync(mapper).to('out', TEXT)
    const driver = open(builder, config)
    const input = driver.createInputTopic('in', TEXT)
    input.pipeInput('k', 'a b')
    input.pipeInput('k', 'c')
    const outputs = () =>
      driver
        .createOutputTopic('out', TEXT)
        .readKeyValues()
        .map(([, value]) => value)
    return { driver, outputs }
  }
})

describe('processAsync', () => {
  it('forwards the records that a call resolves with, in order, under keys of its own', async () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', TEXT)
      .processAsync<string, string>(() => ({
        process: async record => {
          if (record.value === 'none') return
          if (record.value === 'one') return record.withKey('other')
          return [record.withValue('first'), new Record('second', 'second', 7)]
        },
      }))
      .to('out', TEXT)
    const driver = open(builder)
    const input = driver.createInputTopic('in', TEXT)
    for (const value of ['none', 'one', 'two']) input.pipeInput('k', value, { timestamp: 3 })
    await driver.settled()
    const records = driver.createOutputTopic('out', TEXT).readRecords()
    expect(records.map(({ key, value, timestamp }) => [key, value, timestamp])).toEqual([
      ['other', 'one', 3],
      ['k', 'first', 3],
      ['second', 'second', 7],
    ])
  })

  it('makes one processor for each task, and opens and closes it', async () => {
    const steps: string[] = []
    const builder = new StreamsBuilder()
    builder.stream('in', TEXT).processAsync(() => ({
      init: ({ taskId, applicationId }) => void steps.push(`init ${applicationId} ${taskId}`),
      process: async ({ value }) => void steps.push(`process ${value}`),
      close: () => void steps.push('close'),
    }))
    const driver = open(builder)
    driver.createInputTopic('in', TEXT).pipeInput('k', 'v')
    await driver.settled()
    driver.close()
    expect(steps).toEqual(['init test-application 0_0', 'process v', 'close'])
  })

  it.each([['a value'], [{ key: 'k' }], [[{ key: 'k', value: 'v' }]]])('refuses %o', async result => {
    const builder = new StreamsBuilder()
    builder.stream('in', TEXT).processAsync(() => ({ process: async () => result as never }))
    const driver = open(builder)
    driver.createInputTopic('in', TEXT).pipeInput('k', 'v')
    await expect(driver.settled()).rejects.toThrow('neither a Record, nor an iterable of them')
  })

  it('takes its result for rekeyed', () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', TEXT)
      .processAsync<string, string>(() => ({ process: async record => record }))
      .groupByKey(TEXT)
      .count()
    const topics = [...builder.build().plan('app').repartitionTopics.keys()]
    expect(topics).toHaveLength(1)
  })
})
