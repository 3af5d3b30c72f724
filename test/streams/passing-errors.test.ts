import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { BrokerError, type BrokerErrorClass } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interception, Operation } from '../../lib/broker/embedded/state/interceptions.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import {
  commitSubject,
  createSubjectTopics,
  expectedOutcome,
  expectSame,
  seenOutcome,
  subjectInput,
} from '../support/commit-subject.ts'
import { eventually } from '../support/eventually.ts'
import { fastClock } from '../support/fast-clock.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const CLASSES: readonly BrokerErrorClass[] = ['retriable', 'abortable', 'fenced', 'task-migrated', 'fatal']
const BURST = 20

/** Refuses an operation of the application so many times, with an error that passes. */
class Sabotage {
  #refuses: ((operation: Interception) => boolean) | undefined
  #error: BrokerError | undefined
  left = 0

  arm(refuses: (operation: Interception) => boolean, error: BrokerError, times: number): void {
    this.#refuses = refuses
    this.#error = error
    this.left = times
  }

  readonly intercept = (operation: Interception): void => {
    const isOurs = operation.clientId?.startsWith('subject') ?? true
    if (this.left === 0 || !isOurs || !this.#refuses?.(operation)) return
    this.left -= 1
    throw this.#error!
  }
}

async function opened(): Promise<{ broker: Broker; sabotage: Sabotage; streams: KafkaStreams }> {
  const sabotage = new Sabotage()
  const broker = await openEmbeddedBroker({ interceptor: sabotage.intercept })
  onTestFinished(() => broker.close())
  await createSubjectTopics(broker)
  const streams = new KafkaStreams(
    commitSubject(),
    // The broker's clock is the system's: who takes another process id waits as long for what the last one
    // left open.
    {
      applicationId: 'subject',
      stateDir: await temporaryDirectory(),
      commitIntervalMs: 5,
      transactionTimeoutMs: 1_000,
    },
    { broker, logger: silentLogger, clock: fastClock(10) },
  )
  onTestFinished(() => streams.close())
  return { broker, sabotage, streams }
}

const is =
  (operation: Operation, outcome?: 'commit' | 'abort') =>
  (each: Interception): boolean =>
    each.operation === operation && (outcome === undefined || each.outcome === outcome)

const PLACES: readonly (readonly [what: string, (operation: Interception) => boolean])[] = [
  ['sending records', is('produce')],
  ['adding offsets', is('transaction-offsets')],
  ['a commit', is('end-transaction', 'commit')],
  ['an abort', is('end-transaction', 'abort')],
  ['initialising the producer', is('init-producer')],
  ['looking at the group', is('describe-group')],
  ['describing topics', is('describe-topics')],
  ['reading committed offsets', is('offset-fetch')],
  ['asking for offsets, at a restore', is('list-offsets')],
]

describe('an error that passes', () => {
  it.each(PLACES)('does not end the application, nor change what comes out: %s', async (_, refuses) => {
    const { broker, sabotage, streams } = await opened()
    const input = subjectInput(BURST * (1 + CLASSES.length))
    await produce(broker, 'in', 1, input.slice(0, BURST))
    await streams.start()
    await eventually(async () => expectSame(await seenOutcome(broker), expectedOutcome(BURST)))
    for (const [at, kind] of CLASSES.entries()) {
      // An aborted transaction, and one whose producer has to be made anew: so that what only they ask for is
      // asked for.
      for (const trigger of ['abortable', 'fenced'] as const) {
        sabotage.arm(is('end-transaction', 'commit'), new BrokerError('SABOTAGE', trigger, 'sabotage'), 1)
        const from = BURST * (at + 1) + (trigger === 'fenced' ? BURST / 2 : 0)
        await produce(broker, 'in', 1, input.slice(from, from + BURST / 2))
        await eventually(() => expect(sabotage.left).toBe(0))
        sabotage.arm(refuses, new BrokerError('SABOTAGE', kind, 'sabotage'), 2)
        const expected = expectedOutcome(from + BURST / 2)
        await eventually(async () => expectSame(await seenOutcome(broker), expected))
        sabotage.left = 0
      }
    }
    expect(streams.state).not.toBe('error')
    await eventually(() => expect(streams.state).toBe('running'))
  })

  it('met by the last commit does not make the close a failure: what it held comes out at the next start', async () => {
    const { broker, sabotage, streams } = await opened()
    await streams.start()
    for (const kind of ['abortable', 'fenced'] as const) {
      sabotage.arm(is('end-transaction', 'commit'), new BrokerError('SABOTAGE', kind, 'sabotage'), 1_000)
    }
    await produce(broker, 'in', 1, subjectInput(BURST))
    await eventually(() => expect(sabotage.left).toBeLessThan(1_000))
    await streams.close()
    expect(streams.state).toBe('not-running')
    expect(streams.error).toBeUndefined()
  })

  it('while global tables are loaded or followed, makes them anew and the threads with them', async () => {
    const sabotage = new Sabotage()
    const broker = await openEmbeddedBroker({ interceptor: sabotage.intercept })
    onTestFinished(() => broker.close())
    await createTopics(broker, { table: 1, in: 1, out: 1 }, ['table'])
    const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
    const builder = new StreamsBuilder()
    const table = builder.globalTable('table', { ...text, storeName: 'table' })
    builder
      .stream('in', text)
      .join(
        table,
        value => value,
        (value, row) => `${value}-${row}`,
      )
      .to('out', text)
    const streams = new KafkaStreams(
      builder.build(),
      // The broker's clock is the system's: who takes another process id waits as long for what the last one
      // left open.
      {
        applicationId: 'subject',
        stateDir: await temporaryDirectory(),
        commitIntervalMs: 5,
        transactionTimeoutMs: 1_000,
      },
      { broker, logger: silentLogger, clock: fastClock(10) },
    )
    onTestFinished(() => streams.close())
    await produce(broker, 'table', 1, [['a', '1']])
    sabotage.arm(is('list-offsets'), new BrokerError('SABOTAGE', 'retriable', 'sabotage'), 2)
    await streams.start()
    expect(sabotage.left).toBe(0)
    expect(streams.store<string, string>('table').get('a')).toBe('1')
    sabotage.arm(is('fetch'), new BrokerError('SABOTAGE', 'retriable', 'sabotage'), 2)
    await produce(broker, 'table', 1, [['b', '2']])
    await eventually(() => expect(streams.store<string, string>('table').get('b')).toBe('2'))
    expect(streams.state).toBe('running')
  })
})
