import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ErrorHandlerContext } from '../../lib/processor/error-handlers.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import { Record } from '../../lib/processor/record.ts'
import {
  failOnInvalidTimestamp,
  skipOnInvalidTimestamp,
  usePartitionTimeOnInvalidTimestamp,
  type TimestampExtractor,
} from '../../lib/processor/timestamp-extractor.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KeyValueStore, ValueAndTimestamp } from '../../lib/store/contract/key-value-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** What JavaScript has instead of a whole number, and what the message says of it. */
const NO_TIMES: readonly (readonly [what: string, value: unknown, said: RegExp])[] = [
  ['a fraction', 1.5, /1\.5/],
  ['NaN', NaN, /NaN/],
  ['infinity', Infinity, /Infinity/],
  ['minus infinity', -Infinity, /-Infinity/],
  ['more than a number holds exactly', 2 ** 53, /9007199254740992/],
  ['a Date', new Date(5), /a Date \(5\).*getTime\(\)/],
  ['a bigint', 5n, /the bigint 5.*Number\(\)/],
  ['a text', '5', /the string "5".*Number\(\)/],
  ['nothing', undefined, /undefined/],
  ['null', null, /null/],
  ['a promise', Promise.resolve(5), /returned a promise|a promise/],
]

function driverOf(timestampExtractor: TimestampExtractor, config: Partial<StreamsConfig> = {}) {
  const builder = new StreamsBuilder()
  builder.stream('in', { ...strings, timestampExtractor }).to('out', strings)
  const driver = new TopologyTestDriver(builder.build(), { config })
  const output = driver.createOutputTopic('out', strings)
  return {
    driver,
    input: driver.createInputTopic('in', strings),
    dead: driver.createOutputTopic('dead', strings),
    times: () => output.readRecords().map(({ value, timestamp }) => [value, timestamp]),
  }
}

describe('what a timestamp extractor returns', () => {
  it.each(NO_TIMES)('%s ends the application with the place of the record', (_what, value, said) => {
    const { input } = driverOf(({ offset }) => (offset === 1 ? value : 1) as number)
    input.pipeInput('key', 'good', { timestamp: 1 })
    const failure = expect.objectContaining({
      code: 'DESERIALIZATION_FAILED',
      message: expect.stringMatching(
        /^record in-0@1 has no usable timestamp .*timestampExtractor/,
      ) as unknown,
      cause: expect.objectContaining({ message: expect.stringMatching(said) as unknown }) as unknown,
    }) as unknown
    expect(() => input.pipeInput('key', 'bad', { timestamp: 1 })).toThrow(failure as Error)
  })

  it('that is no time, or thrown, goes to the handler of deserialization errors, and its letter is written', () => {
    const told: unknown[] = []
    const { input, dead, times, driver } = driverOf(
      ({ value }) => {
        if (value === 'throws') throw new Error('of the extractor')
        return (value === 'date' ? new Date(3) : 7) as number
      },
      {
        deserializationErrorHandler: (error: Error, context: ErrorHandlerContext) => {
          told.push([error.message, context.topic, context.partition, context.offset, context.timestamp])
          return 'continue'
        },
        deadLetterQueueTopic: 'dead',
      },
    )
    for (const value of ['a', 'throws', 'date', 'b']) input.pipeInput('key', value, { timestamp: 1 })
    expect(told).toEqual([
      ['of the extractor', 'in', 0, 1, 1],
      [expect.stringContaining('a Date (3)'), 'in', 0, 2, 1],
    ])
    expect(times()).toEqual([
      ['a', 7],
      ['b', 7],
    ])
    expect(dead.readKeyValues()).toEqual([
      ['key', 'throws'],
      ['key', 'date'],
    ])
    expect(driver.metricTotal('dropped-records-total')).toBe(2)
  })

  it('that is negative drops the record, counted and logged, the handler not asked', () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => written.mockRestore())
    const { input, times, driver } = driverOf(skipOnInvalidTimestamp, {
      deserializationErrorHandler: () => {
        throw new Error('asked')
      },
    })
    input.pipeInput('key', 'a', { timestamp: 5 })
    for (let i = 0; i < 12; i += 1) input.pipeInput('key', 'negative', { timestamp: -1 })
    input.pipeInput('key', 'b', { timestamp: 6 })
    expect(times()).toEqual([
      ['a', 5],
      ['b', 6],
    ])
    expect(driver.metricTotal('dropped-records-total')).toBe(12)
    const said = written.mock.calls.map(([line]) => String(line)).filter(line => line.includes('returned -1'))
    expect(said).toEqual([
      expect.stringMatching(/^warn .*in-0@1 /),
      expect.stringMatching(/in-0@10 .*number 10 /),
    ])
  })

  it('by the extractors that come with it: a record’s own, an error, or the time of its partition', () => {
    const { input, times } = driverOf(usePartitionTimeOnInvalidTimestamp)
    input.pipeInput('key', 'a', { timestamp: 5 })
    input.pipeInput('key', 'b', { timestamp: -1 })
    expect(times()).toEqual([
      ['a', 5],
      ['b', 5],
    ])
    const told: string[] = []
    const failing = driverOf(failOnInvalidTimestamp, {
      deserializationErrorHandler: error => {
        told.push((error as Error & { code: string }).code)
        return 'continue'
      },
    })
    failing.input.pipeInput('key', 'a', { timestamp: -1 })
    failing.input.pipeInput('key', 'b', { timestamp: 1 })
    expect(told).toEqual(['INVALID_TIMESTAMP'])
    expect(failing.times()).toEqual([['b', 1]])
  })
})

describe('timestamps that are no whole numbers of milliseconds are refused', () => {
  const refused = (said: RegExp) =>
    expect.objectContaining({ message: expect.stringMatching(said) as unknown }) as Error
  const negative = ['a negative number', -1, /-1/] as const

  it.each([...NO_TIMES, negative])('as the time of a record: %s', (_what, value, said) => {
    const record = new Record('key', 'value', 1)
    expect(() => record.withTimestamp(value as number)).toThrow(refused(said))
    expect(() => new Record('key', 'value', value as number)).toThrow(refused(said))
  })

  it.each(NO_TIMES.filter(([what]) => what !== 'nothing' && what !== 'null'))(
    'as that of a record piped into the test driver: %s',
    (_what, value, said) => {
      const { input } = driverOf(() => 1)
      expect(() => input.pipeInput('key', 'value', { timestamp: value as number })).toThrow(refused(said))
    },
  )

  it.each([...NO_TIMES, negative])('as that of a row which a processor puts: %s', (_what, value, said) => {
    for (const keepHeaders of [false, true]) {
      const builder = new StreamsBuilder()
      builder
        .addStateStore(stores.timestampedKeyValueStore({ name: 'rows', keepHeaders, ...strings }))
        .stream('in', strings)
        .process(() => new Putting(value as number), { stores: ['rows'] })
      using driver = new TopologyTestDriver(builder.build())
      const input = driver.createInputTopic('in', strings)
      const cause = expect.objectContaining({ message: expect.stringMatching(said) as unknown }) as unknown
      expect(() => input.pipeInput('key', 'value', { timestamp: 1 })).toThrow(
        expect.objectContaining({ code: 'PROCESSING_FAILED', cause }),
      )
    }
  })
})

class Putting implements Processor<string, string> {
  readonly #timestamp: number
  #store!: KeyValueStore<string, ValueAndTimestamp<string>>

  constructor(timestamp: number) {
    this.#timestamp = timestamp
  }

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore('rows')
  }

  process({ key, value }: Record<string, string>): void {
    this.#store.put(key, { value, timestamp: this.#timestamp })
  }
}
