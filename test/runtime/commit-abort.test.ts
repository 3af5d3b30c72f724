import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type {
  Interception,
  Interceptor,
  Operation,
  InterceptorDecision,
} from '../../lib/broker/embedded/state/interceptions.ts'
import { consoleLogger, silentLogger } from '../../lib/common/logger.ts'
import type { ProcessingGuarantee } from '../../lib/index.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import {
  commitSubject,
  expectBeginning,
  expectedOutcome,
  expectNothingLost,
  expectSame,
  prepareSubject,
  refusalOf,
  seenLetters,
  seenOutcome,
  withoutRefused,
} from '../support/commit-subject.ts'
import { eventually } from '../support/eventually.ts'
import { shortPauses } from '../support/fast-clock.ts'
import { refusing } from '../support/refusing-broker.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const RECORDS = 3_000
/** A recovery waits for 100 ms and more, 200 of them follow each other here. */
const PAUSE_FACTOR = 50
/**
 * Inputs whose outputs are refused: close to each other where the troubles are, so that each meets one, under
 * way or in the next epoch.
 */
const REFUSED = [7, 30, 45, 62, 75, 90, 105, 120, 140, 1_000, 2_999]

type Trouble = (operation: Interception) => InterceptorDecision

/**
 * Makes trouble for the n-th operation of a kind that the application's clients ask for, a few times over.
 */
class Saboteur {
  readonly #kind: Operation
  readonly #trouble: Trouble
  #seen = 0
  armed = false
  hits = 0

  constructor(kind: Operation, trouble: Trouble) {
    this.#kind = kind
    this.#trouble = trouble
  }

  async #late(operation: Interception): Promise<InterceptorDecision> {
    for (let turn = 0; turn < TURNS; turn += 1) await setImmediate()
    return this.#trouble(operation)
  }

  readonly intercept: Interceptor = operation => {
    if (!this.armed || operation.operation !== this.#kind || operation.clientId?.startsWith('test')) return
    this.#seen += 1
    // The first leaves a commit to go back to, the others come after a recovery.
    if (![2, 4, 6].includes(this.#seen)) return
    this.hits += 1
    return this.#late(operation)
  }
}

/** So that the next epoch has begun when the trouble comes. */
const TURNS = 4

const refuse =
  (code: string, kind: ConstructorParameters<typeof BrokerError>[1]) => (): InterceptorDecision => {
    throw new BrokerError(code, kind, 'sabotage')
  }

const cases: readonly (readonly [title: string, kind: Operation, trouble: Trouble])[] = [
  ['the broker refuses the outputs', 'produce', refuse('INVALID_TXN_STATE', 'abortable')],
  [
    'the broker refuses the offsets',
    'transaction-offsets',
    refuse('COORDINATOR_LOAD_IN_PROGRESS', 'abortable'),
  ],
  ['the group has moved on', 'transaction-offsets', refuse('UNKNOWN_MEMBER_ID', 'task-migrated')],
  ['the broker refuses the commit', 'end-transaction', refuse('INVALID_TXN_STATE', 'abortable')],
  ['the commit must be asked for again', 'end-transaction', refuse('COORDINATOR_NOT_AVAILABLE', 'retriable')],
  [
    'the commit is done, but its answer is lost',
    'end-transaction',
    () => ({ dropAnswer: new BrokerError('REQUEST_TIMED_OUT', 'retriable', 'sabotage') }),
  ],
  [
    'the commit is done, and the producer is told that it is fenced',
    'end-transaction',
    () => ({ dropAnswer: new BrokerError('PRODUCER_FENCED', 'fenced', 'sabotage') }),
  ],
]

const lossless: typeof cases = [
  ['the broker refuses the outputs', 'produce', refuse('NOT_ENOUGH_REPLICAS', 'abortable')],
  ['the group has moved on', 'offset-commit', refuse('UNKNOWN_MEMBER_ID', 'task-migrated')],
  ['the offsets must be sent again', 'offset-commit', refuse('COORDINATOR_NOT_AVAILABLE', 'retriable')],
  [
    'the offsets are committed, but the answer says that the group has moved on',
    'offset-commit',
    () => ({ dropAnswer: new BrokerError('ILLEGAL_GENERATION', 'task-migrated', 'sabotage') }),
  ],
]

/** Inputs whose outputs the broker refuses for good, and what the handler says of them. */
interface Refused {
  readonly numbers: readonly number[]
  readonly handler: 'continue' | 'fail'
}

async function startUnder(
  saboteur: Saboteur,
  processingGuarantee: ProcessingGuarantee,
  refused: Refused = { numbers: [], handler: 'fail' },
): Promise<{ readonly broker: Broker; readonly streams: KafkaStreams }> {
  const broker = await openEmbeddedBroker({ interceptor: saboteur.intercept })
  onTestFinished(() => broker.close())
  await prepareSubject(broker, RECORDS)
  const streams = new KafkaStreams(
    commitSubject(),
    // Small bites, so that many commits fall into the run.
    {
      applicationId: 'subject',
      stateDir: await temporaryDirectory(),
      processingGuarantee,
      commitIntervalMs: 0,
      maxPollRecords: 20,
      bufferedRecordsPerPartition: 20,
      deadLetterQueueTopic: 'letters',
      productionErrorHandler: () => refused.handler,
    },
    {
      broker: refusing(broker, refusalOf(refused.numbers)),
      clock: shortPauses(PAUSE_FACTOR),
      logger: process.env['MILLRACE_TEST_LOG'] ? consoleLogger('debug') : silentLogger,
    },
  )
  onTestFinished(() => streams.close())
  saboteur.armed = true
  // Where a refusal ends it, that may come first.
  await streams.start().catch(() => undefined)
  return { broker, streams }
}

describe('commit under exactly-once: what is seen equals what the test driver says', () => {
  const expected = expectedOutcome(RECORDS)

  it.each(cases)('when %s', async (_, kind, trouble) => {
    const saboteur = new Saboteur(kind, trouble)
    const { broker, streams } = await startUnder(saboteur, 'exactly-once')
    await eventually(async () => expectSame(await seenOutcome(broker), expected))
    await streams.close()
    expectSame(await seenOutcome(broker), expected)
    // Where commits are asked for again, the input may be through before the third.
    expect(saboteur.hits).toBeGreaterThan(1)
  })
})

describe('commit under at-least-once, the next epoch begun: nothing is lost', () => {
  const expected = expectedOutcome(RECORDS)

  it.each(lossless)('when %s', async (_, kind, trouble) => {
    const saboteur = new Saboteur(kind, trouble)
    const { broker, streams } = await startUnder(saboteur, 'at-least-once')
    await eventually(async () => expectNothingLost(await seenOutcome(broker), expected))
    await streams.close()
    expectNothingLost(await seenOutcome(broker), expected)
    expect(saboteur.hits).toBeGreaterThan(0)
  })
})

const guarantees = [
  { processingGuarantee: 'exactly-once', troubles: cases },
  { processingGuarantee: 'at-least-once', troubles: lossless },
] as const

describe.each(guarantees)('$processingGuarantee, where outputs are refused for good', subject => {
  const { processingGuarantee, troubles } = subject
  const isExactlyOnce = processingGuarantee === 'exactly-once'
  const expected = expectedOutcome(RECORDS)

  it.each(troubles)('and let go: all the rest, and their letters, when %s', async (_, kind, trouble) => {
    const saboteur = new Saboteur(kind, trouble)
    const refused = { numbers: REFUSED, handler: 'continue' } as const
    const { broker, streams } = await startUnder(saboteur, processingGuarantee, refused)
    const rest = withoutRefused(expected, REFUSED)
    const compare = async () => {
      const [seen, letters] = [await seenOutcome(broker), await seenLetters(broker)]
      if (isExactlyOnce) expectSame(seen, rest, REFUSED)
      else expectNothingLost(seen, rest)
      expect(isExactlyOnce ? letters : [...new Set(letters)].sort((a, b) => a - b)).toEqual(REFUSED)
    }
    await eventually(async () => compare().then(() => true))
    await streams.close()
    await compare()
    expect(saboteur.hits).toBeGreaterThan(0)
  })

  // Before, in and behind the epochs that the first trouble meets.
  const places = troubles.flatMap(([title, kind, trouble]) =>
    [25, 45, 70].map(number => ({ title, kind, trouble, number })),
  )
  it.each(places)(
    'and may not be: it ends at input $number, when $title',
    async ({ kind, trouble, number }) => {
      const saboteur = new Saboteur(kind, trouble)
      const { broker, streams } = await startUnder(saboteur, processingGuarantee, {
        numbers: [number],
        handler: 'fail',
      })
      await eventually(() => expect(streams.state).toBe('error'))
      expect(streams.error).toMatchObject({ code: 'PRODUCTION_FAILED', cause: { code: 'INVALID_RECORD' } })
      await streams.close()
      const seen = await seenOutcome(broker)
      if (isExactlyOnce) expectBeginning(seen, expected, number)
      expect(seen.times.some(line => line.includes(`=v${number}|`))).toBe(false)
      // A letter belongs to the transaction; without one it may be there for what failed.
      const letters = await seenLetters(broker)
      expect(isExactlyOnce ? letters : letters.filter(each => each !== number)).toEqual([])
    },
  )
})
