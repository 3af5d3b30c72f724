import { describe, expect, onTestFinished, test } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { Consumer, Producer } from '../../lib/broker/broker.ts'
import { KafkaConsumer } from '../../lib/broker/kafka/native/kafka-consumer.ts'
import type { NativeModule } from '../../lib/broker/kafka/native/native-client.ts'
import { openProducer } from '../../lib/broker/kafka/adapter/open-producer.ts'
import { produceSettings } from '../../lib/broker/kafka/client/produce/produce-settings.ts'
import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { ADD_PARTITIONS_TO_TXN, END_TXN, PRODUCE } from '../../lib/broker/kafka/protocol/protocol.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { fakeLogs, numbered, record } from './direct-producer-stage.ts'
import type { FakeLogCluster } from './fake-log-cluster.ts'
import { FakeNativeProducer } from './fake-native-producer.ts'
import { FakeTransactions } from './fake-transactions.ts'

/**
 * Old batches are looked for once a second; connections are made, and questions about leaders asked, beside.
 */
const MARGIN_MS = 2_000
/** Of the transaction: one below what calls of the native client are given at most, and the default. */
const TIMEOUTS_MS = [2_000, 10_000]
const VALUES = numbered(30)
const PER_TRANSACTION = 3
const [LEADER, COORDINATOR] = [0, 1]
const FACTORS = [0.5, 1, 2, 5]
const INVALID_RECORD = 87
/** The one in which something happens: there is one before to go back to, and there are more behind. */
const THIRD = 3

interface Step {
  readonly when: string
  /** How a node hears of it: the key of a request, or a native call. */
  readonly request: number | string
  /** From when on records are refused, until this step: so that the transaction has to be aborted. */
  readonly refusedFrom?: 'begin' | 'offsets'
}

const steps: readonly Step[] = [
  { when: 'records are written', request: PRODUCE.key },
  { when: 'partitions are added', request: ADD_PARTITIONS_TO_TXN.key },
  { when: 'offsets are added', request: 'offsets' },
  { when: 'the transaction is committed', request: 'commit' },
  { when: 'it is aborted before its offsets are added', request: END_TXN.key, refusedFrom: 'begin' },
  { when: 'it is aborted', request: 'abort', refusedFrom: 'offsets' },
]

interface Stage {
  readonly fake: FakeLogCluster
  readonly clock: VirtualClock
  readonly transactions: FakeTransactions
  open(): Promise<Producer>
}

async function openStage(transactionTimeoutMs: number): Promise<Stage> {
  const fake = await fakeLogs()
  const clock = new VirtualClock()
  const transactions = new FakeTransactions(clock, transactionTimeoutMs)
  fake.transactions = transactions
  const security = { tls: undefined, sasl: undefined }
  const connect = { clientId: 'test', clock, settings: connectionSettings({}), security }
  const cluster = new Cluster(fake.address, connect)
  onTestFinished(() => cluster.close())
  const module = {
    Producer: function () {
      return new FakeNativeProducer(fake, clock)
    },
  } as unknown as NativeModule
  const context = {
    module,
    clock,
    client: {},
    direct: { cluster, connect, settings: produceSettings({}), notify: () => undefined },
    settings: () => ({}),
    connect: async (_native: unknown, connected: () => void) => connected(),
  }
  const options = {
    clientId: 'test',
    transactionalId: 'tx',
    transactionTimeoutMs,
    onSendError: () => 'fail' as const,
  }
  return {
    fake,
    clock,
    transactions,
    open: async () => {
      const producer = await openProducer(options, context)
      onTestFinished(() => producer.close())
      return producer
    },
  }
}

/** A consumer of this adapter's kind whose group has nothing against any commit. */
const consumer: Consumer = new KafkaConsumer({
  member: { withHandle: (use: (handle: object) => Promise<unknown>) => use({}) },
} as unknown as ConstructorParameters<typeof KafkaConsumer>[0])

/**
 * What the runtime does with a producer, in small: every value once, with its offset, the next transaction's
 * ahead.
 */
class Runtime {
  readonly #stage: Stage
  #producer: Producer | undefined
  /** How long each call took, by its name: the longest. */
  readonly longestMs: { [call: string]: number } = {}
  readonly failures: string[] = []
  /** Hears of refusals before it adds offsets. */
  readonly #flushes: boolean

  constructor(stage: Stage, { refusedFrom }: Step) {
    this.#stage = stage
    this.#flushes = refusedFrom === 'begin'
  }

  async run(): Promise<void> {
    const { transactions } = this.#stage
    while (transactions.committedOffset < VALUES.length) {
      try {
        await this.#process(await this.#ready(), transactions.committedOffset)
      } catch (reason) {
        await this.#recover(reason)
      }
    }
  }

  /** One commit after the other, until one fails. */
  async #process(producer: Producer, committed: number): Promise<void> {
    this.#send(producer, committed)
    for (let at = committed; at < VALUES.length; at += PER_TRANSACTION) {
      const offset = { topic: 'in', partition: 0, offset: at + PER_TRANSACTION }
      producer.sendAhead!()
      this.#send(producer, offset.offset)
      if (this.#flushes) await this.#timed('flush', () => producer.flush())
      await this.#retried('sendOffsets', () => producer.sendOffsets([offset], consumer))
      await this.#retried('commit', () => producer.commitTransaction())
      await producer.begin()
    }
  }

  #send(producer: Producer, from: number): void {
    for (const value of VALUES.slice(from, from + PER_TRANSACTION))
      producer.send(record(this.#stage.fake, value))
  }

  /** For as long as the transaction lives. */
  async #retried(name: string, call: () => Promise<void>): Promise<void> {
    const { clock, transactions } = this.#stage
    const deadlineMs = clock.monotonicMs() + transactions.timeoutMs
    for (;;) {
      try {
        return await this.#timed(name, call)
      } catch (reason) {
        const mayPass = reason instanceof BrokerError && reason.class === 'retriable'
        if (!mayPass || clock.monotonicMs() > deadlineMs) throw reason
        await clock.sleep(50)
      }
    }
  }

  async #timed(name: string, call: () => Promise<void>): Promise<void> {
    const { clock } = this.#stage
    const startMs = clock.monotonicMs()
    try {
      await call()
    } finally {
      this.longestMs[name] = Math.max(this.longestMs[name] ?? 0, clock.monotonicMs() - startMs)
    }
  }

  /** As the table of reactions has it: abort where that is enough, else another producer. */
  async #recover(reason: unknown): Promise<void> {
    if (!(reason instanceof BrokerError)) throw reason
    this.failures.push(`${reason.class}: ${reason.code}`)
    const producer = this.#producer!
    if (reason.class === 'abortable' || reason.class === 'record-refused') {
      try {
        await this.#timed('abort', () => producer.abortTransaction())
        return await producer.begin()
      } catch (second) {
        this.failures.push(`aborting: ${(second as BrokerError).code}`)
      }
    }
    this.#producer = undefined
    await producer.close()
  }

  async #ready(): Promise<Producer> {
    if (this.#producer) return this.#producer
    const producer = await this.#stage.open()
    await producer.initTransactions()
    await producer.begin()
    return (this.#producer = producer)
  }
}

/** Does it once, when a node hears of this step of the third transaction. */
function atStep(
  { fake }: Stage,
  { request, refusedFrom }: Step,
  act: () => void,
): { readonly done: () => boolean } {
  let offsets = 0
  let left = refusedFrom ? 1 : THIRD
  let isRefusing = false
  fake.fate = ({ parts }) => (isRefusing ? parts.map(() => INVALID_RECORD) : 'write')
  fake.onRequest = what => {
    if (what === 'offsets') offsets += 1
    const begun = what === 'commit' && offsets === THIRD - 1
    const added = what === 'offsets' && offsets === THIRD
    if (left > 0 && ((refusedFrom === 'begin' && begun) || (refusedFrom === 'offsets' && added)))
      isRefusing = true
    if (what !== request) return
    left -= 1
    if (left !== 0) return
    isRefusing = false
    act()
  }
  return { done: () => left <= 0 }
}

async function expectExact(stage: Stage, runtime: Runtime): Promise<void> {
  await stage.clock.passUntil(runtime.run())
  expect(stage.transactions.committed, runtime.failures.join('\n')).toEqual(VALUES)
}

const stalls = TIMEOUTS_MS.flatMap(timeoutMs =>
  FACTORS.flatMap(factor => steps.map(step => ({ timeoutMs, factor, step, when: step.when }))),
)
const who = [
  { who: 'the leader', nodes: [LEADER] },
  { who: 'the coordinator', nodes: [COORDINATOR] },
  { who: 'both nodes', nodes: [LEADER, COORDINATOR] },
]

describe.each(who)('a transaction over a stall of $who', ({ nodes }) => {
  test.each(stalls)(
    '$factor times its timeout ($timeoutMs ms) when $when: exact, and no call takes longer',
    async ({ timeoutMs, factor, step }) => {
      const stage = await openStage(timeoutMs)
      const { fake, clock } = stage
      let overMs = Infinity
      const stalled = atStep(stage, step, () => {
        for (const node of nodes) fake.stall(node)
        overMs = clock.monotonicMs() + factor * timeoutMs
        clock.schedule(factor * timeoutMs, () => nodes.forEach(node => fake.resume(node)))
      })
      const runtime = new Runtime(stage, step)
      await expectExact(stage, runtime)
      expect(stalled.done()).toBe(true)
      const account = runtime.failures.join(', ')
      for (const [call, ms] of Object.entries(runtime.longestMs))
        expect(ms, `${call}; ${account}`).toBeLessThanOrEqual(timeoutMs + MARGIN_MS)
      expect(clock.monotonicMs() - overMs, account).toBeLessThanOrEqual(timeoutMs + MARGIN_MS)
    },
  )
})

describe('a transaction over a stall of the event loop', () => {
  test.each(stalls)('$factor times its timeout ($timeoutMs ms) when $when: exact', async options => {
    const stage = await openStage(options.timeoutMs)
    const stallMs = options.factor * options.timeoutMs
    const stalled = atStep(stage, options.step, () => stage.clock.stall(stallMs))
    await expectExact(stage, new Runtime(stage, options.step))
    expect(stalled.done()).toBe(true)
  })
})
