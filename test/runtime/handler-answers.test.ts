import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { ErrorHandlerError } from '../../lib/common/errors/errors.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { UncaughtErrorHandler } from '../../lib/streams/components.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const letter = { topic: 'dead', key: null, value: null, timestamp: 1, headers: [] }

/** What a handler may do instead of answering, and what the message says of it. */
const NO_ANSWERS: readonly (readonly [what: string, handler: () => unknown, said: RegExp])[] = [
  ['nothing', () => undefined, /answered undefined: it may answer 'fail' or 'continue'/],
  ['null', () => null, /answered null/],
  ['a word of its own', () => 'skip', /answered 'skip'/],
  ['true', () => true, /answered true/],
  ['an answer without a word', () => ({}), /answered { answer: undefined }/],
  ['an answer with a word of its own', () => ({ answer: 'SKIP' }), /answered { answer: 'SKIP' }/],
  ['a promise', () => Promise.reject(new Error('late')), /returned a promise/],
  ['letters that are none', () => ({ answer: 'continue', deadLetters: 1 }), /deadLetters that are no array/],
  ['no letter', () => ({ answer: 'continue', deadLetters: [null] }), /topic is no name/],
  [
    'a letter of text',
    () => ({ answer: 'continue', deadLetters: [{ ...letter, value: 'text' }] }),
    /value is neither/,
  ],
  [
    'a letter without a time',
    () => ({ answer: 'fail', deadLetters: [{ ...letter, timestamp: new Date() }] }),
    /timestamp is no whole number/,
  ],
]

/**
 * The three handlers: a topology in which something fails that goes to it, and what the message says of the
 * place.
 */
const HANDLERS = {
  deserializationErrorHandler: {
    place: /record in-0@1 cannot be deserialised/,
    original: /4 bytes/,
    build: (builder: StreamsBuilder) => {
      builder
        .stream('in', { ...strings, valueSerde: serdes.int32() })
        .to('out', { valueSerde: serdes.int32() })
    },
  },
  processingErrorHandler: {
    place: /node "here" of task 0_0 failed on record in-0@1/,
    original: /of the mapper/,
    build: (builder: StreamsBuilder) => {
      const mapper = (value: string) => {
        if (value !== 'good') throw new Error('of the mapper')
        return value
      }
      builder.stream('in', strings).mapValues(mapper, { name: 'here' }).to('out', strings)
    },
  },
  productionErrorHandler: {
    place: /a record of task 0_0 for topic "out", made from record in-0@1 could not be serialised \(value\)/,
    original: /integers/,
    build: (builder: StreamsBuilder) => {
      builder
        .stream('in', strings)
        .mapValues((value): number => (value === 'good' ? 1 : 1.5))
        .to('out', { valueSerde: serdes.int32() })
    },
  },
} as const

type HandlerName = keyof typeof HANDLERS

/** What a bad record behind a good one ends with. */
function failureOf(name: HandlerName, handler: () => unknown): ErrorHandlerError {
  const builder = new StreamsBuilder()
  HANDLERS[name].build(builder)
  const config = { [name]: handler } as Partial<StreamsConfig>
  using driver = new TopologyTestDriver(builder.build(), { config })
  const input = driver.createInputTopic('in', strings)
  input.pipeInput('key', 'good', { timestamp: 1 })
  try {
    input.pipeInput('key', 'worse', { timestamp: 1 })
  } catch (error) {
    return error as ErrorHandlerError
  }
  throw new Error('nothing failed')
}

describe.each(Object.keys(HANDLERS) as HandlerName[])('a %s', name => {
  const { place, original } = HANDLERS[name]
  const check = (failure: ErrorHandlerError, said: RegExp) => {
    expect(failure).toBeInstanceOf(ErrorHandlerError)
    expect(failure.code).toBe('ERROR_HANDLER_FAILED')
    for (const part of [place, original, said, new RegExp(name)]) expect(failure.message).toMatch(part)
    expect((failure.cause as Error).message).toMatch(original)
  }

  it.each(NO_ANSWERS)(
    'that answers %s ends the application with what it was asked about',
    async (_what, handler, said) => {
      check(failureOf(name, handler), said)
      // Rejections have nobody else to go to: Vitest fails where one is left.
      await turn()
    },
  )

  it('that throws does so as well, and tells what it threw', () => {
    const thrown = new Error('of the handler')
    const failure = failureOf(name, () => {
      throw thrown
    })
    check(failure, /threw: of the handler/)
    expect(failure.thrown).toBe(thrown)
  })

  it(`that answers 'retry' is understood only where a record is written`, () => {
    const failure = failureOf(name, () => 'retry')
    if (name === 'productionErrorHandler') expect(failure.code).toBe('RETRY_REQUESTED')
    else check(failure, /answered 'retry'/)
  })
})

describe('what a handler did not let pass', () => {
  /** A processor that does not care what becomes of its output. */
  class Swallowing implements Processor<string, string, string, string> {
    #context!: ProcessorContext<string, string>

    init(context: ProcessorContext<string, string>): void {
      this.#context = context
    }

    process(record: Record<string, string>): void {
      try {
        this.#context.forward(record)
      } catch {
        return
      }
    }
  }

  it.each([
    ['PRODUCTION_FAILED', () => 'fail'],
    ['ERROR_HANDLER_FAILED', () => 'skip'],
  ])('ends the application though a processor swallows it (%s)', (code, productionErrorHandler) => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', strings)
      .process(() => new Swallowing())
      .to('out', { ...strings, valueSerde: serdes.int32() as never })
    const config = { productionErrorHandler } as Partial<StreamsConfig>
    using driver = new TopologyTestDriver(builder.build(), { config })
    const input = driver.createInputTopic('in', strings)
    expect(() => input.pipeInput('key', 'text', { timestamp: 1 })).toThrow(
      expect.objectContaining({ code }) as Error,
    )
  })
})

describe('a handler of uncaught errors', () => {
  async function ended(onUncaughtError: () => unknown): Promise<KafkaStreams> {
    const broker = await openEmbeddedBroker()
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 1 })
    await produce(broker, 'in', 1, [['key', 'value']])
    const builder = new StreamsBuilder()
    builder.stream('in', strings).forEach(() => {
      throw new Error('of the action')
    })
    const config = { applicationId: 'app', stateDir: await temporaryDirectory() }
    const components = {
      broker,
      logger: silentLogger,
      onUncaughtError: onUncaughtError as UncaughtErrorHandler,
    }
    const streams = new KafkaStreams(builder.build(), config, components)
    onTestFinished(() => streams.close())
    await streams.start().catch(() => undefined)
    await eventually(() => expect(streams.state).toBe('error'))
    return streams
  }

  it.each([
    [
      'nothing',
      () => undefined,
      /onUncaughtError.*answered undefined: it may answer 'shutdown-client' or 'replace-thread'/,
    ],
    ['a word of its own', () => 'shutdown', /answered 'shutdown'/],
    ['a promise', () => Promise.resolve('replace-thread'), /returned a promise/],
  ])(
    'that answers %s ends the application instead of beginning anew for ever',
    async (_what, handler, said) => {
      const { error } = await ended(handler)
      expect(error).toMatchObject({
        code: 'ERROR_HANDLER_FAILED',
        message: expect.stringMatching(said) as unknown,
      })
      expect(error?.cause).toMatchObject({ code: 'PROCESSING_FAILED' })
    },
  )

  it('that throws ends it with the error that it was told', async () => {
    const { error } = await ended(() => {
      throw new Error('of the handler')
    })
    expect(error).toMatchObject({ code: 'ERROR_HANDLER_FAILED', cause: { code: 'PROCESSING_FAILED' } })
    expect(error?.message).toContain('threw: of the handler')
  })
})
