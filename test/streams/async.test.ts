import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type {
  Interceptor,
  Operation,
  InterceptorDecision,
} from '../../lib/broker/embedded/state/interceptions.ts'
import { silentLogger, consoleLogger } from '../../lib/common/logger.ts'
import type { AsyncOptions } from '../../lib/dsl/options/async-options.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import {
  asyncInput,
  asyncSubject,
  expectSameAsync,
  expectedAsync,
  linesOf,
  prepareAsync,
  seenAsync,
} from '../support/async-subject.ts'
import { eventually } from '../support/eventually.ts'
import { RandomCalls, type RandomCallsOptions } from '../support/random-calls.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Reading everything costs the thread's event loop time. */
const POLL = { pauseMs: 100 }

const logger = process.env['MILLRACE_TEST_LOG'] ? consoleLogger('debug') : silentLogger

async function application(
  broker: Broker,
  calls: RandomCalls,
  {
    options = {},
    config = {},
  }: { options?: AsyncOptions<string, string>; config?: Partial<StreamsConfig> } = {},
): Promise<KafkaStreams> {
  const streams = new KafkaStreams(
    asyncSubject(calls.call, options),
    {
      applicationId: 'subject',
      stateDir: await temporaryDirectory(),
      commitIntervalMs: 0,
      maxPollRecords: 50,
      positionIntervalMs: 20,
      ...config,
    },
    { broker, logger },
  )
  onTestFinished(() => streams.close())
  return streams
}

function randomCalls(options: RandomCallsOptions): RandomCalls {
  const calls = new RandomCalls(options)
  onTestFinished(() => calls.stop())
  return calls
}

async function openBroker(interceptor?: Interceptor): Promise<Broker> {
  const broker = await openEmbeddedBroker(interceptor ? { interceptor } : {})
  onTestFinished(() => broker.close())
  return broker
}

describe('asynchronous calls under exactly-once: what is seen equals the synchronous answer', () => {
  it('with 1,000 calls under way at once', async () => {
    const input = asyncInput(2_500)
    const broker = await openBroker()
    await prepareAsync(broker, input, 2)
    const calls = randomCalls({ seed: 1, rampUp: 1_000, endsMax: 400 })
    const streams = await application(broker, calls, { options: { concurrency: 1_000 } })
    await streams.start()
    const expected = expectedAsync(input, 2)
    await eventually(async () => expectSameAsync(await seenAsync(broker, 2), expected), POLL)
    expect(calls.violations).toEqual([])
    expect(calls.runningMax).toBeGreaterThanOrEqual(1_000)
    // Nobody waited for the calls: there were commits before the first result.
    expect(streams.metrics.total('commit-total')).toBeGreaterThan(1)
    expect(calls.calls).toBe(input.length)
    await streams.close()
    expectSameAsync(await seenAsync(broker, 2), expected)
  })
})

/** Refuses the operations of a kind that come at these places. */
function saboteur(kind: Operation, at: readonly number[], decision: () => InterceptorDecision) {
  let seen = 0
  const state = { armed: false, hits: 0 }
  const intercept: Interceptor = async ({ operation, clientId }) => {
    if (clientId?.startsWith('test')) return
    // Commits take a while: results are applied meanwhile, in the next epoch.
    if (operation === 'end-transaction') for (let turn = 0; turn < 3; turn += 1) await setImmediate()
    if (!state.armed || operation !== kind) return
    seen += 1
    if (!at.includes(seen)) return
    state.hits += 1
    return decision()
  }
  return { state, intercept }
}

const refuse =
  (code: string, kind: ConstructorParameters<typeof BrokerError>[1]) => (): InterceptorDecision => {
    throw new BrokerError(code, kind, 'sabotage')
  }

describe('the loop of a thread that waits for calls', () => {
  it('is woken by their end', async () => {
    const broker = await openBroker()
    const input = asyncInput(200)
    await prepareAsync(broker, input, 1)
    const calls = randomCalls({ seed: 2, turnsBetween: 6 })
    // One at a time, so that each end is waited for: at the pace of the idle loop this would take more than
    // twenty seconds.
    const streams = await application(broker, calls, {
      options: { concurrency: 1 },
      config: { commitIntervalMs: 1_000 },
    })
    await streams.start()
    await eventually(() => streams.metrics.total('async-calls-total') === input.length)
  })
})

describe('asynchronous calls and aborts', () => {
  it.each<readonly [string, Operation, () => InterceptorDecision, number]>([
    ['the broker refuses the commit', 'end-transaction', refuse('INVALID_TXN_STATE', 'abortable'), 11],
    ['the broker refuses outputs', 'produce', refuse('INVALID_TXN_STATE', 'abortable'), 12],
    ['the group has moved on', 'transaction-offsets', refuse('UNKNOWN_MEMBER_ID', 'task-migrated'), 13],
    [
      'the commit is done, and the producer is told that it is fenced',
      'end-transaction',
      () => ({ dropAnswer: new BrokerError('PRODUCER_FENCED', 'fenced', 'sabotage') }),
      14,
    ],
  ])('when %s', async (_, kind, decision, seed) => {
    const input = asyncInput(800)
    const { state, intercept } = saboteur(kind, [3, 6, 9], decision)
    const broker = await openBroker(intercept)
    await prepareAsync(broker, input, 2)
    const calls = randomCalls({ seed, endsMax: 6 })
    const streams = await application(broker, calls, { options: { concurrency: 150 } })
    state.armed = true
    await streams.start()
    const expected = expectedAsync(input, 2)
    await eventually(async () => expectSameAsync(await seenAsync(broker, 2), expected), POLL)
    expect(calls.violations).toEqual([])
    expect(state.hits).toBe(3)
    // What was under way was told, and called again.
    expect(calls.aborted).toBeGreaterThan(0)
    expect(calls.calls).toBeGreaterThan(input.length)
  })
})

describe('asynchronous calls and rebalances', () => {
  it.each([21, 22])('two instances that come and go (seed %i)', async seed => {
    const input = asyncInput(2_000)
    const broker = await openBroker()
    await prepareAsync(broker, input, 4)
    const calls = randomCalls({ seed, pausesAt: [300, 900, 1_500] })
    const options = { concurrency: 100 }
    const first = await application(broker, calls, { options })
    await first.start()
    await eventually(() => calls.isPaused)
    const second = await application(broker, calls, { options })
    await second.start()
    // Some partitions have moved, with what was under way.
    await eventually(() => calls.aborted > 0)
    const moved = calls.aborted
    calls.resume()
    await eventually(() => calls.isPaused)
    await first.close()
    expect(calls.aborted).toBeGreaterThan(moved)
    calls.resume()
    await eventually(() => calls.isPaused)
    const third = await application(broker, calls, { options })
    await third.start()
    calls.resume()
    const expected = expectedAsync(input, 4)
    await eventually(async () => expectSameAsync(await seenAsync(broker, 4), expected), POLL)
    expect(calls.violations).toEqual([])
  })
})

describe('asynchronous calls under at-least-once', () => {
  it('loses nothing over aborts and keeps what waits over a close', async () => {
    const input = asyncInput(800)
    const { state, intercept } = saboteur('produce', [15, 30, 45], refuse('INVALID_TXN_STATE', 'abortable'))
    const broker = await openBroker(intercept)
    await prepareAsync(broker, input, 1)
    const calls = randomCalls({ seed: 31, pausesAt: [400] })
    const config = { processingGuarantee: 'at-least-once', commitIntervalMs: 1 } as const
    const first = await application(broker, calls, { options: { concurrency: 100 }, config })
    state.armed = true
    await first.start()
    await eventually(() => calls.isPaused)
    await first.close()
    expect(calls.aborted).toBeGreaterThan(0)
    calls.resume()
    const second = await application(broker, calls, { options: { concurrency: 100 }, config })
    await second.start()
    const expected = new Set(input.map(([, value]) => value))
    await eventually(async () => {
      const [out] = await linesOf(broker, 'out', 1)
      const values = new Set(out!.map(line => /=(v\d+)#/.exec(line)![1]!))
      expect(values.size).toBe(expected.size)
      return true
    })
    expect(state.hits).toBe(3)
  })
})
