import { describe, expect, it } from 'vitest'
import {
  Record,
  serdes,
  stores,
  StreamsBuilder,
  type Processor,
  type ProcessorContext,
  type StreamsConfig,
  type TimerHandler,
  type Timers,
} from '../../lib/index.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const YEAR_MS = 365 * 24 * 3_600_000
const START_MS = 1_000_000

const reminders = stores.timers<string>({ name: 'reminders', keySerde: serdes.string() })

type Handling = (timers: Timers<string>, context: ProcessorContext<string, string>) => TimerHandler<string>

/** What a record's value asks for: `set TIME`, `cancel`, `get`, or `size`; the answer is forwarded. */
class Reminder implements Processor<string, string, string, string> {
  readonly #handling: Handling
  #context!: ProcessorContext<string, string>
  #timers!: Timers<string>

  constructor(handling: Handling) {
    this.#handling = handling
  }

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
    const handler: TimerHandler<string> = (key, atMs) => this.#handling(this.#timers, context)(key, atMs)
    this.#timers = context.timers(reminders, handler)
  }

  process(record: Record<string, string>): void {
    const [order, argument] = record.value.split(' ')
    if (order === 'set') this.#timers.set(record.key, Number(argument))
    else this.#context.forward(record.withValue(String(this.#answer(order, record.key))))
  }

  #answer(order: string | undefined, key: string): unknown {
    if (order === 'cancel') return this.#timers.cancel(key)
    return order === 'get' ? this.#timers.get(key) : this.#timers.size
  }
}

/** Forwards the key and the time it was set for, at the time of firing. */
const telling: Handling = (_timers, context) => (key, atMs) =>
  context.forward(new Record(key, `due ${atMs}`, context.recordContext().timestamp))

function run(handling: Handling = telling, config: Partial<StreamsConfig> = {}, stepsMax = 100_000) {
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('in', strings)
    .process<string, string>({ get: () => new Reminder(handling), stores: [reminders] }, { name: 'reminder' })
    .to('out', strings)
  const driver = new TopologyTestDriver(builder.build(), { startWallClockMs: START_MS, config, stepsMax })
  const input = driver.createInputTopic('in', strings)
  const output = driver.createOutputTopic('out', strings)
  return {
    driver,
    ask: (key: string, order: string) => input.pipeInput(key, order),
    fired: () => output.readRecords().map(({ key, value, timestamp }) => `${key}: ${value} @${timestamp}`),
    answer: () => output.readRecord()?.value,
  }
}

describe('timers of a processor', () => {
  it('fire once, to the millisecond, at the time of firing', async () => {
    const { driver, ask, fired } = run()
    ask('a', `set ${START_MS + 500}`)
    await driver.advance(499)
    expect(fired()).toEqual([])
    await driver.advance(1)
    expect(fired()).toEqual([`a: due ${START_MS + 500} @${START_MS + 500}`])
    await driver.advance(10_000)
    expect(fired()).toEqual([])
  })

  it('are found late by a clock that jumps over them, with the time they were set for', () => {
    const { driver, ask, fired } = run()
    ask('a', `set ${START_MS + 500}`)
    driver.advanceWallClockTime(2_000)
    expect(fired()).toEqual([`a: due ${START_MS + 500} @${START_MS + 2_000}`])
  })

  it('are one a key: setting replaces, earlier or later', async () => {
    const { driver, ask, fired } = run()
    ask('later', `set ${START_MS + 10}`)
    ask('later', `set ${START_MS + 30}`)
    ask('earlier', `set ${START_MS + 30}`)
    ask('earlier', `set ${START_MS + 20}`)
    await driver.advance(100)
    expect(fired()).toEqual([
      `earlier: due ${START_MS + 20} @${START_MS + 20}`,
      `later: due ${START_MS + 30} @${START_MS + 30}`,
    ])
  })

  it('tell their time, how many they are, and whether there was one to cancel', async () => {
    const { driver, ask, fired, answer } = run()
    const asked = (key: string, order: string) => {
      ask(key, order)
      return answer()
    }
    ask('a', `set ${START_MS + 10}`)
    ask('b', `set ${START_MS + 20}`)
    expect([asked('a', 'get'), asked('c', 'get'), asked('a', 'size')]).toEqual([
      `${START_MS + 10}`,
      'undefined',
      '2',
    ])
    expect([asked('a', 'cancel'), asked('a', 'cancel')]).toEqual(['true', 'false'])
    await driver.advance(1_000)
    expect(fired()).toEqual([`b: due ${START_MS + 20} @${START_MS + 20}`])
    expect(asked('a', 'size')).toBe('0')
  })

  it('may be years away, and in the past, which is now', async () => {
    const { driver, ask, fired } = run()
    ask('far', `set ${START_MS + 30 * YEAR_MS}`)
    ask('past', 'set 0')
    await driver.advance(0)
    expect(fired()).toEqual([`past: due 0 @${START_MS}`])
    await driver.advance(30 * YEAR_MS - 1)
    expect(fired()).toEqual([])
    await driver.advance(1)
    expect(fired()).toEqual([`far: due ${START_MS + 30 * YEAR_MS} @${START_MS + 30 * YEAR_MS}`])
  })

  it('fire in the order of their times, then of their keys, 10,000 of one second', async () => {
    const { driver, ask, fired } = run()
    const dueOf = (at: number) => START_MS + 1_000 + ((at * 7_919) % 1_000)
    const keys = Array.from({ length: 10_000 }, (_, at) => `k${String(at).padStart(5, '0')}`)
    keys.forEach((key, at) => ask(key, `set ${dueOf(at)}`))
    await driver.advance(2_000)
    const expected = keys
      .map((key, at) => [dueOf(at), key] as const)
      .sort(([left, leftKey], [right, rightKey]) => left - right || (leftKey < rightKey ? -1 : 1))
    expect(fired()).toEqual(expected.map(([dueMs, key]) => `${key}: due ${dueMs} @${dueMs}`))
    expect(driver.metricTotal('timers-fired-total')).toBe(10_000)
  })

  it('fire all in one advance that jumps over more than a turn of them', () => {
    const { driver, ask, fired } = run()
    for (let at = 0; at < 1_200; at += 1) ask(`${at}`, `set ${START_MS + at}`)
    expect(driver.metricTotal('timers-pending')).toBe(1_200)
    driver.advanceWallClockTime(5_000)
    expect(fired()).toHaveLength(1_200)
    expect(driver.metricTotal('timers-pending')).toBe(0)
  })

  it('may be set again by their handler, their own and others', async () => {
    const { driver, ask, fired } = run((timers, context) => (key, atMs) => {
      context.forward(new Record(key, `due ${atMs}`, atMs))
      if (key !== 'every') return
      timers.set('every', atMs + 100)
      timers.set('other', atMs + 50)
    })
    ask('every', `set ${START_MS + 100}`)
    await driver.advance(260)
    expect(fired().map(line => line.split(' @')[0])).toEqual([
      `every: due ${START_MS + 100}`,
      `other: due ${START_MS + 150}`,
      `every: due ${START_MS + 200}`,
      `other: due ${START_MS + 250}`,
    ])
  })

  it('that set themselves for the past for ever are told of', async () => {
    const handling: Handling = timers => key => timers.set(key, 0)
    const { driver, ask } = run(handling, {}, 10)
    ask('a', 'set 0')
    await expect(driver.advance(1)).rejects.toThrow(/due 10 times without time passing/)
  })

  it('have a changelog that ends with their end', async () => {
    const { driver, ask } = run()
    ask('a', `set ${START_MS + 258}`)
    await driver.advance(1_000)
    const records = driver.producedRecords('test-application-reminders-changelog')
    expect(records.map(({ key, value }) => [text(key), value && Buffer.from(value).toString('hex')])).toEqual(
      [
        ['a', `01${hexOfFloat(START_MS + 258)}`],
        ['a', null],
      ],
    )
  })

  it.each([-1, 0.5, NaN, 253_402_300_800_000, Infinity])('refuse the time %d', atMs => {
    const { ask } = run()
    expect(() => ask('a', `set ${atMs}`)).toThrow(/no time of a timer: it must be a whole number/)
  })

  it('refuse a key that is null', () => {
    const { driver } = run()
    const input = driver.createInputTopic<string | null, string>('in', {
      keySerde: serdes.string() as never,
      valueSerde: serdes.string(),
    })
    expect(() => input.pipeInput(null, 'set 5')).toThrow(/a key cannot be null/)
  })

  it('whose handler throws: with continue the timer is gone, and counted as dropped', async () => {
    const handling: Handling = (_, context) => (key, atMs) => {
      if (key === 'bad') throw new Error('of the handler')
      context.forward(new Record(key, `due ${atMs}`, atMs))
    }
    const places: unknown[] = []
    const { driver, ask, fired } = run(handling, {
      processingErrorHandler: (error, { nodeName, topic, timestamp }) => {
        places.push([error.message, nodeName, topic, timestamp])
        return 'continue'
      },
    })
    for (const key of ['a', 'bad', 'c']) ask(key, `set ${START_MS + 10}`)
    await driver.advance(1_000)
    expect(fired()).toHaveLength(2)
    expect(places).toEqual([['of the handler', 'reminder', undefined, START_MS + 10]])
    expect(driver.metricTotal('dropped-records-total')).toBe(1)
    expect(driver.metricTotal('timers-pending')).toBe(0)
  })

  it('whose handler throws: fails by default', async () => {
    const { driver, ask } = run(() => () => {
      throw new Error('of the handler')
    })
    ask('bad', `set ${START_MS + 10}`)
    await expect(driver.advance(10)).rejects.toThrow(/node "reminder" .* a punctuator: of the handler/)
  })

  it('whose handler returns a promise are refused', async () => {
    const handling = () => () => Promise.reject(new Error('late'))
    const { driver, ask } = run(handling as never)
    ask('a', `set ${START_MS}`)
    await expect(driver.advance(10)).rejects.toThrow(/its handler of timers returned a promise/)
  })
})

describe('stores of timers', () => {
  function built(init: (context: ProcessorContext<string, string>) => unknown) {
    const other = stores.keyValueStore({ name: 'other', ...strings })
    const builder = new StreamsBuilder()
    builder.stream<string, string>('in', strings).process(
      {
        get: () => ({ init: context => void init(context as never), process: () => undefined }),
        stores: [reminders, other],
      },
      { name: 'mine' },
    )
    return () => new TopologyTestDriver(builder.build())
  }
  const nothing = () => undefined

  it.each<[what: string, init: Parameters<typeof built>[0], code: string]>([
    ['a store that is not there', context => context.timers('nowhere', nothing), 'STORE_NOT_CONNECTED'],
    ['a store of another kind', context => context.timers('other', nothing), 'NOT_A_TIMER_STORE'],
    [
      'a second handler',
      context => [context.timers(reminders, nothing), context.timers('reminders', nothing)],
      'TIMERS_HANDLED_TWICE',
    ],
  ])('refuse %s', (_what, init, code) => {
    expect(built(init)).toThrow(expect.objectContaining({ code }))
  })

  it('are found by name, too, and cannot be read from outside', () => {
    using driver = built(context => context.timers<string>('reminders', nothing))()
    expect(() => driver.store('reminders')).toThrow(expect.objectContaining({ code: 'STORE_NOT_READABLE' }))
  })

  it('are set by every node that they are connected to, and fire where the handler is', async () => {
    const builder = new StreamsBuilder()
    const setting = (): Processor<string, string, string, string> => {
      let context: ProcessorContext<string, string>
      return {
        init: given => void (context = given),
        process: ({ key }) => context.getStateStore(reminders).set(key, START_MS + 5),
      }
    }
    const input = builder.addStateStore(reminders).stream<string, string>('in', strings)
    input.process(setting, { stores: ['reminders'] })
    input.process(() => new Reminder(telling), { stores: ['reminders'] }).to('out', strings)
    using driver = new TopologyTestDriver(builder.build(), { startWallClockMs: START_MS })
    driver.createInputTopic('in', strings).pipeInput('a', 'size')
    await driver.advance(5)
    const values = driver.createOutputTopic('out', strings).readKeyValues()
    expect(values).toEqual([
      ['a', '1'],
      ['a', `due ${START_MS + 5}`],
    ])
  })
})

function text(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString()
}

function hexOfFloat(value: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes.toString('hex')
}
