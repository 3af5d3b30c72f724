import { describe, expect, it, onTestFinished } from 'vitest'
import {
  fixedBackoff,
  KafkaStreams,
  NonRetriableError,
  readLetter,
  serdes,
  StreamsBuilder,
  type Backoff,
  type RetryOptions,
} from '../../lib/index.ts'
import { CrashGuard } from '../../lib/dsl/retry/crash-guard.ts'
import { letterRecord } from '../../lib/processor/letter.ts'
import { utf8 } from '../../lib/common/bytes.ts'
import { NO_HEADERS } from '../../lib/common/headers.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { SerdePendingError } from '../../lib/serde/serde-pending-error.ts'
import { PendingStore } from '../../lib/store/operator/pending-store.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const MINUTE_MS = 60_000

type Judge = (value: string, attempt: number) => void

function run(retry: RetryOptions, judge: Judge, options: { readonly concurrency?: number } = {}) {
  const calls: string[] = []
  const taken: string[] = []
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('in', strings)
    .peek((_key, value) => void taken.push(value))
    .mapValuesAsync<string>(
      async (value, _key, { attempt }) => {
        calls.push(`${value}#${attempt}`)
        await Promise.resolve()
        judge(value, attempt)
        return `${value}!`
      },
      { name: 'charge', retry, ...options },
    )
    .to('out', strings)
  const driver = new TopologyTestDriver(builder.build(), {
    config: { processingErrorHandler: () => 'continue' },
  })
  const input = driver.createInputTopic('in', strings)
  const output = driver.createOutputTopic('out', strings)
  return { calls, taken, driver, input, output: () => output.readKeyValues().map(([, value]) => value) }
}

function down(): never {
  throw new Error('down')
}

function backoffOf(delayMs: () => number): Backoff {
  return { maxMs: 1_000, delayMs }
}

describe('retry: faults of callbacks, circuits and clocks', () => {
  // The call is out of `ended`, and neither parked nor done: its lane is never served again.
  it('a backoff that throws does not block the key for ever', async () => {
    const { driver, input, output } = run(
      {
        backoff: backoffOf(() => {
          throw new RangeError('no such delay')
        }),
        attempts: 3,
      },
      value => void (value === 'bad' && down()),
    )
    input.pipeInput('k', 'bad')
    input.pipeInput('k', 'next')
    await driver.advance(MINUTE_MS)
    expect(driver.metricTotal('retry-parked-records')).toBe(0)
    expect(output()).toEqual(['next!'])
  })

  // summaryOf slices what is no string; the TypeError leaves the call in no place.
  it('an error whose message is no string does not block the key for ever', async () => {
    const { driver, input, output } = run({ backoff: fixedBackoff({ delayMs: 10 }), attempts: 2 }, value => {
      if (value === 'bad') throw Object.assign(new Error(), { message: { code: 42 } })
    })
    input.pipeInput('k', 'bad')
    input.pipeInput('k', 'next')
    await driver.advance(MINUTE_MS)
    expect(output()).toEqual(['next!'])
    expect(driver.letters('charge')).toHaveLength(1)
  })

  // NaN at the top of the heap is never due, and hides all that is; skipped since driver.advance never ends
  // (spins).
  it('a backoff that returns NaN for one record does not stop the others', async () => {
    const { driver, input, output } = run(
      {
        backoff: { maxMs: 1_000, delayMs: (_attempt, id) => (id === 'in-0-0' ? Number.NaN : 1_000) },
        attempts: 3,
      },
      (value, attempt) => void ((value === 'bad' || attempt === 1) && down()),
    )
    input.pipeInput('a', 'bad')
    input.pipeInput('b', 'good')
    await driver.settled()
    await Promise.race([
      driver.advance(5_000).catch((error: unknown) => expect(error).toBeUndefined()),
      new Promise(resolve => setTimeout(resolve, 2_000)),
    ])
    expect(output()).toEqual(['good!'])
  })

  // Neither finite time nor attempts: it is parked until the end of time.
  it.each(['backoff', 'onError'])('%s that says Infinity does not park for ever', async which => {
    const { driver, input, calls } = run(
      {
        backoff: which === 'backoff' ? backoffOf(() => Infinity) : fixedBackoff({ delayMs: 10 }),
        attempts: 3,
        ...(which === 'onError' && { onError: () => ({ retryAfterMs: Infinity }) }),
      },
      down,
    )
    input.pipeInput('a', 'bad')
    await driver.advance(120 * MINUTE_MS)
    expect(calls.length + driver.metricTotal('dropped-records-total')).toBeGreaterThan(1)
  })

  // The probe's end is not told to the circuit: nextCallMs stays Infinity, and no call is ever made again.
  it('onError that throws about a probe does not stop all calls for ever', async () => {
    let isDown = true
    const { driver, input, output } = run(
      {
        backoff: fixedBackoff({ delayMs: 1_000 }),
        attempts: 10,
        circuit: { openAfter: 2, probeEveryMs: 1_000 },
        onError: (_error, { attempt }) => {
          if (attempt === 2) throw new TypeError('bug of the user')
          return 'retry'
        },
      },
      () => void (isDown && down()),
    )
    input.pipeInput('a', 'a')
    input.pipeInput('b', 'b')
    await driver.settled()
    expect(driver.metricTotal('retry-circuit-open')).toBe(1)
    await driver.advance(1_000)
    isDown = false
    input.pipeInput('c', 'c')
    await driver.advance(10 * MINUTE_MS)
    expect(output()).toContain('c!')
  })

  // openAfter failures of ONE record are no outage; with nobody else to end the row it is probed for ever.
  it.each(['key', 'partition'] as const)(
    'order %s: a hopeless record opens the circuit alone, and must be given up all the same',
    async order => {
      const { driver, input, output } = run(
        {
          order,
          backoff: fixedBackoff({ delayMs: 1_000 }),
          attempts: 5,
          giveUpAfterMs: MINUTE_MS,
          circuit: { openAfter: 3, probeEveryMs: 1_000 },
        },
        value => void (value === 'bad' && down()),
      )
      input.pipeInput('k', 'bad')
      input.pipeInput('k', 'next')
      await driver.advance(60 * MINUTE_MS)
      expect(driver.letters('charge')).toHaveLength(1)
      expect(output()).toEqual(['next!'])
    },
  )

  // Told at once, before the given time: RetryAfterError is "after that time at the earliest".
  it('retryAfterMs behind the end of tries is not called earlier', async () => {
    const { driver, input, calls } = run(
      {
        backoff: fixedBackoff({ delayMs: 10 }),
        giveUpAfterMs: 1_000,
        onError: () => ({ retryAfterMs: MINUTE_MS }),
      },
      down,
    )
    input.pipeInput('a', 'bad')
    await driver.advance(30_000)
    expect(calls).toHaveLength(1)
  })

  // Ready ones fill `concurrency` during an outage, and the whole task stops long before parkedMax.
  it('an open circuit does not hold up the rest of the task before parkedMax', async () => {
    const { driver, input, taken } = run(
      {
        backoff: fixedBackoff({ delayMs: 1_000 }),
        attempts: 5,
        circuit: { openAfter: 2, probeEveryMs: MINUTE_MS },
      },
      down,
      { concurrency: 2 },
    )
    for (let at = 0; at < 50; at += 1) input.pipeInput(`k${at}`, 'x')
    await driver.advance(30_000)
    expect(driver.metricTotal('retry-circuit-open')).toBe(1)
    input.pipeInput('free', 'x')
    expect(taken).toHaveLength(51)
  })

  it('two operators in a row, order kept, failures in both', async () => {
    const builder = new StreamsBuilder()
    const flaky = async (value: string, _key: string, { attempt }: { readonly attempt: number }) => {
      await Promise.resolve()
      if (attempt < 3 && Number(value.slice(1)) % 3 === 0) down()
      return value
    }
    const retry = { backoff: fixedBackoff({ delayMs: 100 }), attempts: 5 }
    builder
      .stream<string, string>('in', strings)
      .mapValuesAsync(flaky, { name: 'one', concurrency: 2, retry })
      .mapValuesAsync(flaky, {
        name: 'two',
        concurrency: 2,
        retry,
        keySerde: strings.keySerde,
        valueSerde: strings.valueSerde,
      } as never)
      .to('out', strings)
    using driver = new TopologyTestDriver(builder.build())
    const input = driver.createInputTopic('in', strings)
    const output = driver.createOutputTopic('out', strings)
    for (let at = 0; at < 30; at += 1) input.pipeInput(`k${at % 3}`, `v${at}`)
    await driver.advance(MINUTE_MS)
    const values = output.readKeyValues()
    expect(values).toHaveLength(30)
    for (const key of ['k0', 'k1', 'k2']) {
      const own = values.filter(([k]) => k === key).map(([, v]) => Number(v!.slice(1)))
      expect(own).toEqual([...own].sort((l, r) => l - r))
    }
  })

  it('records without a key, and with one, are called again and come out once', async () => {
    const { driver, input, output } = run(
      { backoff: fixedBackoff({ delayMs: 10_000 }), attempts: 5 },
      (_value, attempt) => void (attempt === 1 && down()),
    )
    input.pipeInput(null as never, 'a')
    input.pipeInput('t', 'b')
    await driver.advance(9_000)
    await driver.advance(61_000)
    expect(output().sort()).toEqual(['a!', 'b!'])
  })
})

describe('tombstones', () => {
  it('null values and headers survive parking', async () => {
    const { driver, input, calls } = run({ backoff: fixedBackoff({ delayMs: 10 }), attempts: 2 }, down)
    input.pipeInput('k', null as never)
    await driver.advance(1_000)
    expect(calls).toEqual(['null#1', 'null#2'])
    expect(driver.letters('charge')).toMatchObject([{ value: null, input: { value: null } }])
  })
})

describe('driver.settled', () => {
  // Nothing runs, but records wait in their topic for room: it waits for a wake that only `advance` brings.
  it.each([
    ['order partition', { order: 'partition' }, 2],
    ['parkedMax', { parkedMax: 2 }, 10],
    ['an open circuit', { circuit: { openAfter: 2, probeEveryMs: MINUTE_MS } }, 2],
  ] as const)('ends with inputs that have no room: %s', async (_name, options, concurrency) => {
    const { driver, input } = run(
      { backoff: fixedBackoff({ delayMs: 1_000 }), attempts: 5, ...options },
      down,
      { concurrency },
    )
    for (let at = 0; at < 20; at += 1) input.pipeInput(`k${at}`, 'x')
    const ended = driver.settled().then(() => 'ended')
    const late = new Promise(resolve => setTimeout(resolve, 500, 'hangs'))
    expect(await Promise.race([ended, late])).toBe('ended')
  })
})

describe('letters', () => {
  const context = { topic: 'in', partition: 0, offset: 7, timestamp: 1, headers: NO_HEADERS }
  const given = {
    id: 'in-0-7',
    applicationId: 'app',
    operator: 'charge',
    reason: 'gave-up' as const,
    attempts: 1,
    firstFailedMs: 1,
    lastFailedMs: 1,
    firstError: { name: 'Error', message: 'x' },
    lastError: { name: 'NonRetriableError', message: 'x', stack: 'NonRetriableError: x' },
  }
  const [key, value] = [utf8('k'), utf8('source')]

  // Letters are put back "as they are": the old letter's input stands in the new one's headers.
  it('the letter of a replayed letter does not show the input of the first', () => {
    const first = letterRecord({
      ...given,
      input: { key, value: utf8('made above') },
      context: { ...context, source: { key, value } },
    })
    const second = letterRecord({
      ...given,
      input: { key, value },
      context: { ...context, headers: first.headers, source: { key, value } },
    })
    expect(readLetter(second)?.input.value).toEqual(value)
    expect(readLetter(second)?.headers).toEqual([])
  })

  // lastIndexOf is −1, and slice(0, −1) takes the last header away.
  it('a foreign record with the id alone keeps its headers, or is no letter', () => {
    const headers = [
      { key: '__millrace.letter.id', value: utf8('x') },
      { key: 'mine', value: utf8('y') },
    ]
    const letter = readLetter({ key, value, timestamp: 0, headers })
    if (letter) expect(letter.headers.map(header => header.key)).toContain('mine')
  })
})

describe('over the memory broker', () => {
  // The registry is down for a moment after a restart: all that is parked becomes a letter.
  it('a schema that cannot be fetched now makes no dead letter', async () => {
    const broker = await openBroker('memory')
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 1, out: 1 })
    const stateDir = await temporaryDirectory()
    let isRegistryDown = false
    let isFailing = true
    const start = async () => {
      const text = serdes.string()
      const value: typeof text = {
        ...text,
        name: 'registry',
        serialize: (data, context) => text.serialize(data, context),
        deserialize: (bytes, context) => {
          if (isRegistryDown)
            throw new SerdePendingError('not loaded', Promise.reject(new Error('ECONNREFUSED')))
          return text.deserialize(bytes, context)
        },
      }
      const builder = new StreamsBuilder()
      builder
        .stream<string, string>('in', { keySerde: text, valueSerde: value })
        .mapValuesAsync(() => (isFailing ? Promise.reject(new Error('down')) : Promise.resolve('done')), {
          name: 'charge',
          retry: { backoff: fixedBackoff({ delayMs: 300 }), attempts: 50 },
        })
        .to('out', strings)
      const config = { applicationId: 'subject', stateDir, commitIntervalMs: 20 }
      const streams = new KafkaStreams(builder.build(), config, { broker })
      onTestFinished(() => streams.close())
      await streams.start()
      return streams
    }
    await produce(broker, 'in', 1, [['k', 'v']])
    const first = await start()
    await eventually(() => first.metrics.total('retry-parked-records') === 1)
    await first.close()
    isRegistryDown = true
    isFailing = false
    const second = await start()
    await eventually(() => second.metrics.total('async-failures-total') > 0)
    isRegistryDown = false
    const ended = async () =>
      [await readAll(broker, 'out'), await readAll(broker, 'subject-charge-dlq')] as const
    await eventually(async () => (await ended()).flat().length > 0)
    const [out, letters] = await ended()
    expect([out.length, letters.length]).toEqual([1, 0])
  })

  // Taking the mark away is no progress of the task where nothing is logged: it stays, and the next start
  // calls one at a time.
  it('logging: false: a clean end leaves no mark', async () => {
    const broker = await openBroker('memory')
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 1, out: 1 })
    const stateDir = await temporaryDirectory()
    const start = async () => {
      const builder = new StreamsBuilder()
      builder
        .stream<string, string>('in', strings)
        .mapValuesAsync<string>(() => Promise.reject(new Error('down')), {
          name: 'charge',
          pendingStore: { storeName: 'parked', logging: false },
          retry: { backoff: fixedBackoff({ delayMs: 60_000 }), attempts: 5 },
        })
        .to('out', strings)
      const config = { applicationId: 'subject', stateDir, commitIntervalMs: 20 }
      const streams = new KafkaStreams(builder.build(), config, { broker })
      onTestFinished(() => streams.close())
      await streams.start()
      return streams
    }
    await produce(broker, 'in', 1, [['k', 'v']])
    const marks: (Uint8Array | null)[] = []
    const loaded = PendingStore.prototype.load
    PendingStore.prototype.load = async function (this: PendingStore) {
      await loaded.call(this)
      marks.push(this.mark)
    }
    onTestFinished(() => void (PendingStore.prototype.load = loaded))
    const first = await start()
    await eventually(() => first.metrics.total('retry-parked-records') === 1)
    // The parked records are committed: only the mark is left to be written.
    await produce(broker, 'in', 1, [['other', 'v']])
    await eventually(() => first.metrics.total('retry-parked-records') === 2)
    const uncommitted = () =>
      first.metrics.samples().find(({ name }) => name === 'uncommitted-bytes')?.value ?? 0
    await eventually(() => uncommitted() === 0)
    await first.close()
    const second = await start()
    await eventually(() => second.metrics.total('retry-parked-records') === 2)
    expect(marks).toEqual([null, null])
  })
})

describe('a letter that the broker refuses', () => {
  // With its headers (the stack, twice the message) a letter is larger than its source, which fits just so.
  // The default handler ends the application; after a restart the same record ends it again.
  it('does not end the application: the letter goes out without what makes it large', async () => {
    const broker = await openBroker('memory')
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 1, out: 1 })
    const stateDir = await temporaryDirectory()
    const builder = new StreamsBuilder()
    builder
      .stream<string, string>('in', strings)
      .mapValuesAsync<string>(() => Promise.reject(new NonRetriableError('no')), {
        name: 'charge',
        ...strings,
        retry: { backoff: fixedBackoff({ delayMs: 10 }), attempts: 2 },
      } as never)
      .to('out', strings)
    const config = {
      applicationId: 'subject',
      stateDir,
      commitIntervalMs: 20,
      defaultKeySerde: strings.keySerde,
      defaultValueSerde: strings.valueSerde,
    }
    const streams = new KafkaStreams(builder.build(), config, { broker })
    onTestFinished(() => streams.close())
    await produce(broker, 'in', 1, [['k', 'x'.repeat(1_047_900)]])
    await streams.start()
    await eventually(
      async () => streams.state === 'error' || (await readAll(broker, 'subject-charge-dlq')).length > 0,
    )
    expect(streams.state).toBe('running')
  })
})

describe('crash guard', () => {
  // The first suspect's commit also has this process's mark: after an abort nobody is a suspect any more, and
  // those that were never called are called all at once, uncounted.
  it('a task revived after an abort goes on calling suspects one at a time', async () => {
    const store = {
      mark: utf8('another process') as Uint8Array | null,
      afterCommit: (then: () => void) => then(),
    }
    const options = { openMax: 1, found: 5, requestCommit: () => undefined }
    const before = new CrashGuard(store as never, options)
    expect(before.isSuspicious).toBe(true)
    before.mayCall(() => undefined)
    const revived = new CrashGuard(store as never, options)
    expect(revived.isSuspicious).toBe(true)
  })
})
