import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AsyncCallbackError } from '../../lib/common/errors/errors.ts'
import type { KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { joinWindows } from '../../lib/dsl/windows/join-windows.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { slidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import type { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const named = { name: 'here' }
const windows = joinWindows({ timeDifferenceMs: 10, graceMs: 0 })

const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)

beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(() => {
  process.off('unhandledRejection', note)
})

/** What an async callback returns; it fails, which nobody must hear of. */
function late<T = string>(): T {
  return Promise.reject(new Error('of the callback')) as T
}

interface Case {
  readonly callback: string
  readonly node?: string
  build(stream: KStream<string, string>, other: KStream<string, string>, builder: StreamsBuilder): void
}

const group = (stream: KStream<string, string>) => stream.groupByKey(strings)
const table = (stream: KStream<string, string>): KTable<string, string> =>
  stream.toTable({ ...strings, storeName: 'rows' })
const never = { transform: () => 'never' }

const CASES: readonly Case[] = [
  { callback: 'the predicate of filter', build: stream => stream.filter(late, named) },
  { callback: 'the predicate of filterNot', build: stream => stream.filterNot(late, named) },
  { callback: 'the mapper of map', build: stream => stream.map(late, named) },
  { callback: 'the mapper of map', build: stream => stream.map(value => [late(), value], named) },
  { callback: 'the mapper of map', build: stream => stream.map((_value, key) => [key, late()], named) },
  { callback: 'the mapper of mapValues', build: stream => stream.mapValues(late, named) },
  { callback: 'the mapper of flatMap', build: stream => stream.flatMap(late, named) },
  {
    callback: 'the mapper of flatMap',
    build: stream => stream.flatMap(() => [late<[string, string]>(), late<[string, string]>()], named),
  },
  {
    callback: 'the mapper of flatMap',
    build: stream =>
      stream.flatMap(
        (value, key) => [
          [key, late()],
          [late(), value],
        ],
        named,
      ),
  },
  { callback: 'the mapper of flatMapValues', build: stream => stream.flatMapValues(late, named) },
  {
    callback: 'the mapper of flatMapValues',
    build: stream => stream.flatMapValues(() => [late(), late()], named),
  },
  { callback: 'the mapper of selectKey', build: stream => stream.selectKey(late, named) },
  {
    callback: 'the selector of groupBy',
    build: stream => stream.groupBy(late, { ...strings, ...named }).count(),
  },
  { callback: 'the action of peek', build: stream => stream.peek(late, named) },
  { callback: 'the action of forEach', build: stream => stream.forEach(late, named) },
  { callback: 'the format of print', build: stream => stream.print({ format: late, ...named }) },
  { callback: 'a predicate of split', build: stream => stream.split(named).branch(late).noDefaultBranch() },
  { callback: 'a callback of aggregate', build: stream => group(stream).aggregate(late, () => '', named) },
  { callback: 'a callback of aggregate', build: stream => group(stream).aggregate(() => '', late, named) },
  { callback: 'the reducer of reduce', build: stream => group(stream).reduce(late, named) },
  {
    callback: 'a callback of cogroup',
    node: 'here-cogroup-agg-0',
    build: stream =>
      group(stream)
        .cogroup(late)
        .aggregate(() => '', named),
  },
  {
    callback: 'a callback of cogroup',
    node: 'here-cogroup-agg-0',
    build: stream =>
      group(stream)
        .cogroup(late)
        .windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 }))
        .aggregate(() => '', named),
  },
  ...[timeWindows({ sizeMs: 10, graceMs: 0 }), slidingWindows({ timeDifferenceMs: 10, graceMs: 0 })].flatMap(
    (windowing): Case[] => [
      {
        callback: 'a callback of aggregate',
        build: stream =>
          group(stream)
            .windowedBy(windowing as never)
            .aggregate(late, () => '', named),
      },
      {
        callback: 'a callback of aggregate',
        build: stream =>
          group(stream)
            .windowedBy(windowing as never)
            .aggregate(() => '', late, named),
      },
      {
        callback: 'the reducer of reduce',
        build: stream =>
          group(stream)
            .windowedBy(windowing as never)
            .reduce(late, named),
      },
    ],
  ),
  {
    callback: 'a callback of aggregate',
    build: stream =>
      group(stream)
        .windowedBy(sessionWindows({ inactivityGapMs: 10, graceMs: 0 }))
        .aggregate(
          () => '',
          () => 'a',
          late,
          named,
        ),
  },
  {
    callback: 'the joiner of join',
    node: 'here-merge',
    build: (stream, other) => stream.join(other, late, { ...strings, windows, ...named }),
  },
  {
    callback: 'the joiner of outerJoin',
    node: 'here-merge',
    build: stream => stream.outerJoin(stream, late, { ...strings, windows, ...named }),
  },
  {
    callback: 'the joiner of leftJoin',
    build: (stream, other) => stream.leftJoin(table(other), late, named),
  },
  {
    callback: 'the selector of join',
    build: (stream, _other, builder) =>
      stream.join(builder.globalTable('global', strings), late, () => '', named),
  },
  {
    callback: 'the joiner of leftJoin',
    build: (stream, _other, builder) =>
      stream.leftJoin(builder.globalTable('global', strings), value => value, late, named),
  },
  { callback: 'the predicate of filter', build: stream => table(stream).filter(late, named) },
  { callback: 'the mapper of mapValues', build: stream => table(stream).mapValues(late, named) },
  {
    callback: 'the mapper of mapValues',
    build: stream => table(stream).mapValues(late, { ...named, storeName: 'mapped' }),
  },
  {
    callback: 'transform of transformValues',
    build: stream => table(stream).transformValues(() => ({ transform: late }), named),
  },
  { callback: 'the selector of groupBy', build: stream => table(stream).groupBy(late, named).count() },
  {
    callback: 'the selector of groupBy',
    build: stream =>
      table(stream)
        .groupBy(value => [value, late()], named)
        .count(),
  },
  {
    callback: 'a callback of aggregate',
    build: stream =>
      table(stream)
        .groupBy(value => ['all', value], strings)
        .aggregate({ initializer: () => '', adder: late, subtractor: () => '' }, named),
  },
  {
    callback: 'a callback of aggregate',
    build: stream =>
      table(stream)
        .groupBy(value => ['all', value], strings)
        .aggregate({ initializer: () => '', adder: () => 'a', subtractor: late }, named),
  },
  {
    callback: 'a callback of reduce',
    build: stream =>
      table(stream)
        .groupBy(value => ['all', value], strings)
        .reduce({ adder: late, subtractor: () => 'a' }, named),
  },
  {
    callback: 'a callback of reduce',
    build: stream =>
      table(stream)
        .groupBy(value => ['all', value], strings)
        .reduce({ adder: () => 'a', subtractor: late }, named),
  },
  {
    callback: 'the joiner of outerJoin',
    build: (stream, other) =>
      table(stream).outerJoin(other.toTable({ ...strings, storeName: 'other' }), late, named),
  },
  {
    callback: 'the foreign key of join',
    node: 'here-subscription-registration-processor',
    build: (stream, other) =>
      table(stream).join(other.toTable({ ...strings, storeName: 'other' }), late, () => '', named),
  },
  {
    callback: 'the joiner of leftJoin',
    node: 'here-subscription-response-resolver',
    build: (stream, other) =>
      table(stream).leftJoin(other.toTable({ ...strings, storeName: 'other' }), () => 'nobody', late, named),
  },
]

/** What the application ends with when records come in, or when it is built. */
function failureOf(build: Case['build']): Error {
  const builder = new StreamsBuilder()
  try {
    build(builder.stream('in', strings), builder.stream('other', strings), builder)
    const config = { defaultKeySerde: strings.keySerde, defaultValueSerde: strings.valueSerde }
    using driver = new TopologyTestDriver(builder.build(), { config })
    const [other, input] = ['other', 'in'].map(topic => driver.createInputTopic(topic, strings))
    other!.pipeInput('key', 'other', { timestamp: 1 })
    for (const value of ['first', 'second']) input!.pipeInput('key', value, { timestamp: 2 })
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing failed')
}

describe('dsl: a promise from a synchronous callback is an error', () => {
  it.each(CASES.map((given, i) => ({ ...given, i })))(
    '$callback ($i)',
    async ({ callback, node = 'here', build }) => {
      const failure = failureOf(build)
      expect(failure).toMatchObject({
        code: 'PROCESSING_FAILED',
        message: expect.stringMatching(/record .+-0@/),
      })
      const { cause } = failure
      expect(cause).toBeInstanceOf(TypeError)
      expect(cause).toBeInstanceOf(AsyncCallbackError)
      expect(cause).toMatchObject({ code: 'ASYNC_CALLBACK' })
      const { message } = cause as Error
      expect(message).toContain(callback)
      expect(message).toContain(`(node "${node}`)
      expect(message).toContain('mapValuesAsync')
      await turn()
      expect(unhandled).toEqual([])
    },
  )

  it('goes to the handler of processing errors, with its record', () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', strings)
      .mapValues(value => (value === 'bad' ? late() : value), named)
      .to('out', strings)
    const told: unknown[] = []
    const config = {
      processingErrorHandler: (error: Error, { nodeName, topic, offset }: { [name: string]: unknown }) => {
        told.push([error.name, nodeName, topic, offset])
        return 'continue' as const
      },
    }
    using driver = new TopologyTestDriver(builder.build(), { config: config as never })
    const input = driver.createInputTopic('in', strings)
    for (const value of ['a', 'bad', 'b']) input.pipeInput('key', value, { timestamp: 1 })
    expect(told).toEqual([['AsyncCallbackError', 'here', 'in', 1]])
    expect(driver.createOutputTopic('out', strings).readKeyValues()).toEqual([
      ['key', 'a'],
      ['key', 'b'],
    ])
  })

  it('any thenable is one, and is not begun by being looked at', () => {
    let begun = 0
    const query = { then: () => (begun += 1) }
    expect(failureOf(stream => stream.mapValues(() => query, named)).cause).toMatchObject({
      code: 'ASYNC_CALLBACK',
    })
    expect(begun).toBe(0)
  })

  it('but an object with a field of that name is a value', () => {
    const builder = new StreamsBuilder()
    const json = serdes.json<{ then: string }>()
    builder
      .stream('in', strings)
      .mapValues(then => ({ then }))
      .to('out', { valueSerde: json })
    using driver = new TopologyTestDriver(builder.build())
    driver.createInputTopic('in', strings).pipeInput('key', 'later', { timestamp: 1 })
    const output = driver.createOutputTopic('out', { keySerde: strings.keySerde, valueSerde: json })
    expect(output.readKeyValues()).toEqual([['key', { then: 'later' }]])
  })
})

describe('dsl: promises from processors', () => {
  const processorOf = (code: object) => ({ ...code }) as unknown as Processor<string, string, string, string>
  const failure = (code: object) => failureOf(stream => stream.process(() => processorOf(code), named))

  it.each([
    ['process', () => failureOf(stream => stream.process(() => processorOf({ process: late }), named)).cause],
    [
      'process',
      () => failureOf(stream => stream.processValues(() => processorOf({ process: late }), named)).cause,
    ],
    ['init', () => failure({ init: late, process: () => undefined })],
    ['supplier', () => failureOf(stream => stream.process(late, named))],
    [
      'punctuator',
      () =>
        failure({
          init: (context: { schedule(options: object, callback: () => void): void }) =>
            context.schedule({ intervalMs: 1, type: 'stream-time' }, late),
          process: () => undefined,
        }).cause,
    ],
  ])('of its %s are refused', async (what, fail) => {
    const error = fail()
    expect(error).toMatchObject({ name: 'AsyncCallbackError', code: 'ASYNC_PROCESSOR' })
    expect((error as Error).message).toContain(`processor "here": `)
    expect((error as Error).message).toContain(what)
    await turn()
    expect(unhandled).toEqual([])
  })

  it('of its close are told of, and closing goes on', async () => {
    const builder = new StreamsBuilder()
    let closed = 0
    builder
      .stream('in', strings)
      .process(() => processorOf({ process: () => undefined, close: late }))
      .process(() => processorOf({ process: () => undefined, close: () => (closed += 1) }))
    const driver = new TopologyTestDriver(builder.build())
    driver.close()
    expect(closed).toBe(1)
    await turn()
    expect(unhandled).toEqual([])
  })

  it('of the init of a transformer, or of an asynchronous processor, are refused', async () => {
    const transformer = { init: late, ...never }
    const transforming = failureOf(stream => table(stream).transformValues(() => transformer, named))
    expect(transforming.message).toContain('init of transformValues (node "here")')
    const calling = failureOf(stream =>
      stream.processAsync(() => ({ init: late, process: () => Promise.resolve() }) as never, named),
    )
    expect(calling.message).toContain('init of processAsync (node "here")')
    await turn()
    expect(unhandled).toEqual([])
  })

  it('that they forward are refused where they would become JSON', async () => {
    const builder = new StreamsBuilder()
    const code = {
      context: undefined as unknown as { forward(record: unknown): void },
      init(context: { forward(record: unknown): void }) {
        this.context = context
      },
      process(record: Record<string, string>) {
        this.context.forward(record.withValue(late()))
      },
    }
    builder
      .stream('in', strings)
      .process(() => processorOf(code))
      .to('out', { keySerde: strings.keySerde, valueSerde: serdes.json() as never })
    using driver = new TopologyTestDriver(builder.build())
    const input = driver.createInputTopic('in', strings)
    expect(() => input.pipeInput('key', 'value', { timestamp: 1 })).toThrow(/"out".*promises \(await them/)
    await turn()
    expect(unhandled).toEqual([])
  })
})

describe('dsl: flatMapValuesAsync', () => {
  it('refuses an iterable of promises', async () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', strings)
      .flatMapValuesAsync(() => Promise.resolve([late(), late()]))
      .to('out', strings)
    using driver = new TopologyTestDriver(builder.build())
    driver.createInputTopic('in', strings).pipeInput('key', 'value', { timestamp: 1 })
    await expect(driver.settled()).rejects.toMatchObject({
      cause: { code: 'ASYNC_CALLBACK', message: expect.stringContaining('Promise.all') },
    })
    await turn()
    expect(unhandled).toEqual([])
  })
})
