import { describe, expect, it, onTestFinished } from 'vitest'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import type { AsyncCall } from '../../lib/dsl/options/async-functions.ts'
import type { AsyncOptions } from '../../lib/dsl/options/async-options.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { HeldCalls } from '../support/calls.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** `in` through one `mapValuesAsync` to `out`, with calls that end when the test says. */
function held(options: AsyncOptions<string, string> = {}, config: Partial<StreamsConfig> = {}) {
  const calls = new HeldCalls<string, string>()
  const abouts: AsyncCall[] = []
  const builder = new StreamsBuilder()
  builder
    .stream('in', TEXT)
    .mapValuesAsync((value, key, call) => {
      abouts.push(call)
      return calls.make(`${key}=${value}`, call.signal)
    }, options)
    .to('out', TEXT)
  const driver = open(builder, config)
  const input = driver.createInputTopic('in', TEXT)
  const output = driver.createOutputTopic('out', TEXT)
  return { calls, abouts, driver, input, output }
}

function open(builder: StreamsBuilder, config: Partial<StreamsConfig> = {}): TopologyTestDriver {
  const driver = new TopologyTestDriver(builder.build(), { config })
  onTestFinished(() => driver.close())
  return driver
}

describe('mapValuesAsync', () => {
  it('applies results in the order of the inputs, whichever call ends first', async () => {
    const { calls, driver, input, output } = held()
    for (const key of ['a', 'b', 'c']) input.pipeInput(key, `${key}1`)
    expect(calls.inputs).toEqual(['a=a1', 'b=b1', 'c=c1'])
    calls.at(2).resolve('C')
    calls.at(1).resolve('B')
    await Promise.resolve()
    driver.advanceWallClockTime(0)
    expect(output.size).toBe(0)
    calls.at(0).resolve('A')
    await driver.settled()
    expect(output.readKeyValues()).toEqual([
      ['a', 'A'],
      ['b', 'B'],
      ['c', 'C'],
    ])
  })

  it('gives results the timestamp and the headers of their inputs, and calls what identifies the input', async () => {
    const { calls, abouts, driver, input, output } = held()
    input.pipeInput('a', 'x', { timestamp: 2 ** 53 - 2, headers: [{ key: 'h', value: utf8('1') }] })
    input.pipeInput('b', 'y', { timestamp: 5 })
    abouts[0]!.headers.add('changed', null)
    calls.at(0).resolve('X')
    calls.at(1).resolve('Y')
    await driver.settled()
    const [first, second] = output.readRecords()
    expect(first).toMatchObject({ key: 'a', value: 'X', timestamp: 2 ** 53 - 2 })
    expect(first!.headers.map(({ key, value }) => [key, utf8Text(value!)])).toEqual([['h', '1']])
    expect(second).toMatchObject({ key: 'b', value: 'Y', timestamp: 5, headers: [] })
    expect(
      abouts.map(({ topic, partition, offset, idempotencyKey }) => ({
        topic,
        partition,
        offset,
        idempotencyKey,
      })),
    ).toEqual([
      { topic: 'in', partition: 0, offset: 0, idempotencyKey: 'in-0-0' },
      { topic: 'in', partition: 0, offset: 1, idempotencyKey: 'in-0-1' },
    ])
  })

  it('calls for one key one after the other, also after a failure', async () => {
    const { calls, driver, input, output } = held({}, { processingErrorHandler: () => 'continue' })
    for (const value of ['1', '2', '3']) input.pipeInput('a', value)
    input.pipeInput('b', '1')
    expect(calls.inputs).toEqual(['a=1', 'b=1'])
    calls.at(0).reject(new Error('no'))
    await turn()
    expect(calls.inputs).toEqual(['a=1', 'b=1', 'a=2'])
    calls.at(2).resolve('A2')
    await turn()
    calls.at(3).resolve('A3')
    calls.at(1).resolve('B1')
    await driver.settled()
    expect(output.readKeyValues()).toEqual([
      ['a', 'A2'],
      ['a', 'A3'],
      ['b', 'B1'],
    ])
  })

  it('calls freely where the order is none, and for records without key', async () => {
    const { calls, input } = held({ order: 'none' })
    for (const value of ['1', '2', '3']) input.pipeInput('a', value)
    expect(calls.inputs).toEqual(['a=1', 'a=2', 'a=3'])
    const ordered = held()
    for (const value of ['1', '2']) ordered.input.pipeInput(null, value)
    expect(ordered.calls.inputs).toEqual(['null=1', 'null=2'])
  })

  it('takes no further input with so many calls under way, and goes on when there is room', async () => {
    const { calls, driver, input, output } = held({ concurrency: 2 })
    for (const key of ['a', 'b', 'c', 'd']) input.pipeInput(key, key)
    expect(calls.inputs).toEqual(['a=a', 'b=b'])
    // Ended, but its result waits for the one before: that is no room either.
    calls.at(1).resolve('B')
    await turn()
    driver.advanceWallClockTime(0)
    expect(calls.inputs).toEqual(['a=a', 'b=b'])
    calls.at(0).resolve('A')
    await turn()
    driver.advanceWallClockTime(0)
    expect(calls.inputs).toEqual(['a=a', 'b=b', 'c=c', 'd=d'])
    calls.at(2).resolve('C')
    calls.at(3).resolve('D')
    await driver.settled()
    expect(output.readKeyValues().map(([, value]) => value)).toEqual(['A', 'B', 'C', 'D'])
  })

  it('makes no more calls at a time than allowed, however many inputs one record makes', async () => {
    const calls = new HeldCalls<string, string>()
    const builder = new StreamsBuilder()
    builder
      .stream('in', TEXT)
      .flatMapValues(value => value.split(' '))
      .mapValuesAsync(
        (value, _key, { signal, idempotencyKey }) => calls.make(`${value} ${idempotencyKey}`, signal),
        {
          valueSerde: serdes.string(),
          concurrency: 2,
          order: 'none',
        },
      )
      .to('out', TEXT)
    const driver = open(builder)
    driver.createInputTopic('in', TEXT).pipeInput('k', 'a b c')
    expect(calls.inputs).toEqual(['a in-0-0', 'b in-0-0-1'])
    calls.at(1).resolve('B')
    await turn()
    expect(calls.inputs.slice(2)).toEqual(['c in-0-0-2'])
    calls.at(0).resolve('A')
    calls.at(2).resolve('C')
    await driver.settled()
    const values = driver
      .createOutputTopic('out', TEXT)
      .readKeyValues()
      .map(([, value]) => value)
    expect(values).toEqual(['A', 'B', 'C'])
  })

  it('holds results back where the next asynchronous operator is full', async () => {
    const first = new HeldCalls<string, string>()
    const second = new HeldCalls<string, string>()
    const builder = new StreamsBuilder()
    builder
      .stream('in', TEXT)
      .mapValuesAsync((value, _key, { signal }) => first.make(value, signal), { concurrency: 8 })
      .mapValuesAsync((value, _key, { signal }) => second.make(value, signal), {
        ...TEXT,
        concurrency: 2,
        pendingStore: { storeName: 'second' },
      })
      .to('out', TEXT)
    const driver = open(builder)
    const input = driver.createInputTopic('in', TEXT)
    for (let at = 0; at < 6; at += 1) input.pipeInput(`k${at}`, `${at}`)
    for (let at = 0; at < 6; at += 1) first.at(at).resolve(`${at}!`)
    await turn()
    driver.advanceWallClockTime(0)
    expect(second.inputs).toEqual(['0!', '1!'])
    // Nor do more wait in it: each would have been written down.
    expect(driver.producedRecords('test-application-second-changelog')).toHaveLength(2)
    const settled = driver.settled()
    for (let at = 0; at < 6; at += 1) {
      await turn()
      second.at(at).resolve(`${at}!!`)
    }
    await settled
    const values = driver
      .createOutputTopic('out', TEXT)
      .readKeyValues()
      .map(([, value]) => value)
    expect(values).toEqual(['0!!', '1!!', '2!!', '3!!', '4!!', '5!!'])
  })

  it('fails a call that lasts too long, tells it, and ignores what it brings later', async () => {
    const errors: unknown[] = []
    const { calls, driver, input, output } = held(
      { timeoutMs: 1_000 },
      {
        processingErrorHandler: (error, { topic, partition, offset, nodeName }) => {
          errors.push({ code: (error as { code?: string }).code, topic, partition, offset, nodeName })
          return 'continue'
        },
      },
    )
    input.pipeInput('a', '1')
    driver.advanceWallClockTime(999)
    expect(calls.at(0).signal.aborted).toBe(false)
    driver.advanceWallClockTime(1)
    expect(calls.at(0).signal.aborted).toBe(true)
    await driver.settled()
    calls.at(0).resolve('late')
    await driver.settled()
    expect(output.size).toBe(0)
    expect(errors).toEqual([
      {
        code: 'ASYNC_TIMEOUT',
        topic: 'in',
        partition: 0,
        offset: 0,
        nodeName: 'KSTREAM-MAPVALUESASYNC-0000000001',
      },
    ])
    expect(driver.metricTotal('async-timeouts-total')).toBe(1)
    expect(driver.metricTotal('async-failures-total')).toBe(1)
    expect(driver.metricTotal('dropped-records-total')).toBe(1)
  })

  it('stays with the timeout of a call whose result comes late, but before its turn', async () => {
    const { calls, driver, input, output } = held(
      { timeoutMs: 1_000 },
      { processingErrorHandler: () => 'continue' },
    )
    input.pipeInput('a', '1')
    input.pipeInput('a', '2')
    input.pipeInput('b', '1')
    driver.advanceWallClockTime(500)
    calls.at(0).resolve('A1')
    await turn()
    // The second call of a begins only now, and so ends last.
    expect(calls.inputs).toEqual(['a=1', 'b=1', 'a=2'])
    driver.advanceWallClockTime(500)
    calls.at(1).resolve('late')
    await turn()
    calls.at(2).resolve('A2')
    await driver.settled()
    expect(output.readKeyValues()).toEqual([
      ['a', 'A1'],
      ['a', 'A2'],
    ])
  })

  it('ends the run with the error of a call where no handler says otherwise', async () => {
    const { calls, driver, input } = held()
    input.pipeInput('a', '1')
    input.pipeInput('b', '2')
    calls.at(0).reject('only a word')
    await expect(driver.settled()).rejects.toMatchObject({
      code: 'PROCESSING_FAILED',
      message: expect.stringContaining('failed on record in-0@0: only a word') as unknown,
    })
  })

  it('writes the dead letter of a failed call with the bytes of its source', async () => {
    const { calls, driver, input } = held(
      {},
      { processingErrorHandler: () => 'continue', deadLetterQueueTopic: 'dead' },
    )
    input.pipeInput('a', 'one')
    calls.at(0).reject(new Error('no'))
    await driver.settled()
    const [letter] = driver.producedRecords('dead')
    expect([utf8Text(letter!.key!), utf8Text(letter!.value!)]).toEqual(['a', 'one'])
    const message = letter!.headers.find(({ key }) => key === '__streams.errors.message')
    expect(utf8Text(message!.value!)).toBe('no')
  })

  it('hands an input that cannot be serialised to the handler at once', () => {
    const builder = new StreamsBuilder()
    const made: unknown[] = []
    builder
      .stream('in', TEXT)
      .mapValues(() => 1.5)
      .mapValuesAsync(async value => made.push(value), { valueSerde: serdes.int64() })
    const driver = open(builder, { processingErrorHandler: () => 'continue' })
    driver.createInputTopic('in', TEXT).pipeInput('a', 'x')
    expect(made).toEqual([])
    expect(driver.metricTotal('dropped-records-total')).toBe(1)
  })

  it('passes nulls on as mapValues does', async () => {
    const builder = new StreamsBuilder()
    builder
      .stream<string | null, string | null>('in', TEXT as never)
      .mapValuesAsync(async value => (value === null ? null : `${value}!`))
      .to('out', TEXT as never)
    const driver = open(builder)
    const input = driver.createInputTopic('in', TEXT)
    input.pipeInput('a', null)
    input.pipeInput(null, 'x')
    await driver.settled()
    expect(driver.createOutputTopic('out', TEXT).readKeyValues()).toEqual([
      ['a', null],
      [null, 'x!'],
    ])
  })

  it('says at the start which serde is missing', () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', TEXT)
      .mapValues(value => value.length)
      .mapValuesAsync(async value => value, { name: 'ask' })
    expect(() => open(builder)).toThrow(/asynchronous operator "ask" has no valueSerde/)
  })

  it.each([
    [{ concurrency: 0 }, 'concurrency is 0'],
    [{ concurrency: 1.5 }, 'concurrency is 1.5'],
    [{ timeoutMs: 0 }, 'timeoutMs is 0'],
    [{ order: 'all' as never }, 'order is all'],
  ])('refuses %o', (options, message) => {
    expect(() => held(options)).toThrow(message)
  })

  it('tells what comes after it where the input was from', async () => {
    const calls = new HeldCalls<string, string>()
    const offsets: (number | undefined)[] = []
    const builder = new StreamsBuilder()
    builder
      .stream('in', TEXT)
      .mapValuesAsync((value, _key, { signal }) => calls.make(value, signal))
      .process<string, string>(() => ({
        init(context) {
          this.process = () => void offsets.push(context.recordMetadata()?.offset)
        },
        process: () => undefined,
      }))
    const driver = open(builder)
    const input = driver.createInputTopic('in', TEXT)
    for (const key of ['a', 'b', 'c']) input.pipeInput(key, key)
    for (const call of calls.all) call.resolve('x')
    await driver.settled()
    expect(offsets).toEqual([0, 1, 2])
  })

  it('counts calls and shows how many are under way', async () => {
    const { calls, driver, input } = held()
    for (const key of ['a', 'b', 'c']) input.pipeInput(key, key)
    expect(driver.metricTotal('async-calls-in-flight')).toBe(3)
    for (const call of calls.all) call.resolve('x')
    await driver.settled()
    expect(driver.metricTotal('async-calls-in-flight')).toBe(0)
    expect(driver.metricTotal('async-calls-total')).toBe(3)
  })

  it('ends what is under way when its task is closed', async () => {
    const { calls, driver, input } = held()
    input.pipeInput('a', '1')
    driver.close()
    expect(calls.at(0).signal.aborted).toBe(true)
    expect(calls.at(0).signal.reason).toMatchObject({ code: 'TASK_CLOSED' })
    calls.at(0).resolve('late')
    await turn()
  })

  it('draws the names of its node and its store from the counter, or takes those given', () => {
    const builder = new StreamsBuilder()
    const input = builder.stream('in', TEXT)
    input.mapValuesAsync(async value => value)
    input.flatMapValuesAsync(async value => [value], { name: 'ask' })
    input.processAsync(() => ({ process: async record => record }), { pendingStore: { storeName: 'asked' } })
    input.filter(() => true)
    const topology = builder.build()
    expect(topology.describe()).toContain(
      'Processor: KSTREAM-MAPVALUESASYNC-0000000001 (stores: [KSTREAM-MAPVALUESASYNC-STATE-STORE-0000000002])',
    )
    expect(topology.describe()).toContain(
      'Processor: ask (stores: [KSTREAM-FLATMAPVALUESASYNC-STATE-STORE-0000000004])',
    )
    expect(topology.describe()).toContain('Processor: KSTREAM-PROCESSASYNC-0000000005 (stores: [asked])')
    expect(topology.describe()).toContain('Processor: KSTREAM-FILTER-0000000006')
    const changelogs = topology.plan('app').subtopologies.flatMap(({ stores }) => stores)
    expect(changelogs.map(({ changelogTopic }) => changelogTopic)).toContain('app-asked-changelog')
  })

  it('needs no changelog where logging is off', () => {
    const { driver, input } = held({ pendingStore: { storeName: 'waiting', logging: false } })
    input.pipeInput('a', '1')
    expect(driver.producedTopicNames()).toEqual([])
  })
})

/** Lets promises that are settled run. */
async function turn(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}
