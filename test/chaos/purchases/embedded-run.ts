import { join } from 'node:path'
import type { Broker } from '../../../lib/broker/broker.ts'
import { BrokerError } from '../../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../../lib/broker/embedded/embedded-broker.ts'
import type { Interception, InterceptorDecision } from '../../../lib/broker/embedded/state/interceptions.ts'
import { silentLogger } from '../../../lib/common/logger.ts'
import type { CommitStep } from '../../../lib/runtime/thread/commit.ts'
import { KafkaStreams } from '../../../lib/streams/kafka-streams.ts'
import checkout from '../../../topologies/checkout.ts'
import { topics, TOPICS } from '../../../topologies/checkout/topics.ts'
import { eventually } from '../../support/eventually.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { produce } from '../../support/topics.ts'
import { comparePurchases, type PurchasesComparison } from './compare-purchases.ts'
import { purchasesInput } from './purchases-input.ts'

export interface PurchasesRun {
  readonly purchases: number
  readonly faults: number
  readonly seed: number
  /** For the state of the members. */
  readonly directory: string
  readonly say: (line: string) => void
  readonly guarantee?: 'exactly-once' | 'at-least-once'
}

/** How the run is disturbed. */
const FAULTS = [
  'commit-refused',
  'commit-answer-lost',
  'offsets-refused',
  'send-refused',
  'thread-dies',
  'fenced',
  'member-leaves',
] as const
type Fault = (typeof FAULTS)[number]
/** Those that there are without transactions, too. */
const PLAIN_FAULTS: readonly Fault[] = ['thread-dies', 'member-leaves']

/** Steps of every commit; one with a transaction has others besides. */
const STEPS: readonly CommitStep[] = ['prepared', 'staged', 'written']
const TRANSACTION_STEPS: readonly CommitStep[] = [...STEPS, 'offsets-sent', 'committed']
const APPLICATION = 'checkout'
const MEMBERS = ['one', 'two'] as const
type Member = (typeof MEMBERS)[number]
/** In one piece of the input; a fault comes with each. */
const PIECE_MAX = 400

export type FaultCounts = { readonly [fault in Fault]: number }

export interface PurchasesOutcome extends PurchasesComparison {
  readonly faults: FaultCounts
  readonly toldAgain: number
}

/**
 * Feeds purchases to two members of the application on an embedded broker while it is disturbed at random
 * moments, then compares what readers see with an independent computation.
 */
export async function runEmbeddedPurchases(run: PurchasesRun): Promise<PurchasesOutcome> {
  const stage = await EmbeddedStage.open(run)
  try {
    return await stage.run()
  } finally {
    await stage.close()
  }
}

class EmbeddedStage {
  readonly #run: PurchasesRun
  readonly #broker: Broker
  readonly #random: SeededRandom
  readonly #members = new Map<Member, KafkaStreams>()
  readonly #struck: { [fault in Fault]: number } = zeroes()
  /** What strikes at the next operation that it can strike. */
  #armed: { readonly fault: Fault; readonly step: CommitStep } | undefined

  private constructor(run: PurchasesRun, broker: Broker) {
    this.#run = run
    this.#broker = broker
    this.#random = new SeededRandom(run.seed + 1)
  }

  static async open(run: PurchasesRun): Promise<EmbeddedStage> {
    const stages: EmbeddedStage[] = []
    const broker = await openEmbeddedBroker({ interceptor: operation => stages[0]?.intercept(operation) })
    const stage = new EmbeddedStage(run, broker)
    stages.push(stage)
    return stage
  }

  async run(): Promise<PurchasesOutcome> {
    const { purchases, faults, seed, say, guarantee = 'exactly-once' } = this.#run
    const kinds = guarantee === 'exactly-once' ? FAULTS : PLAIN_FAULTS
    const input = purchasesInput(purchases, seed, Date.now())
    const admin = await this.#broker.admin()
    await admin.createTopics([...topics])
    await admin.close()
    const partitionCount = topics[0]!.partitionCount
    await produce(this.#broker, TOPICS.restocks, partitionCount, input.restocks)
    for (const member of MEMBERS) await this.#start(member)
    const piece = Math.min(PIECE_MAX, Math.ceil(input.pairs.length / Math.max(1, faults)))
    let sent = 0
    for (let fault = 0; sent < input.pairs.length || fault < faults; fault += 1) {
      const pairs = input.pairs.slice(sent, sent + piece)
      sent += pairs.length
      if (fault < faults) await this.#arm(this.#random.pick(kinds))
      await produce(this.#broker, TOPICS.purchases, partitionCount, pairs)
      // What strikes needs something to be committed: without input left there is nothing to disturb.
      if (pairs.length > 0 && this.#armed) await this.#untilStruck()
      if (fault % 100 === 99) say(`${fault + 1} faults, ${sent} of ${input.pairs.length} purchases told`)
    }
    await eventually(async () => (await this.#lag()) === 0, { pauseMs: 50, what: 'the end of the input' })
    for (const streams of this.#members.values()) await streams.close()
    const comparison = await comparePurchases(this.#broker, purchases, input)
    return { ...comparison, faults: this.#struck, toldAgain: input.toldAgain }
  }

  async close(): Promise<void> {
    for (const streams of this.#members.values()) await streams.close()
    await this.#broker.close()
  }

  async #start(member: Member): Promise<void> {
    const streams = new KafkaStreams(
      checkout(),
      {
        applicationId: APPLICATION,
        clientId: member,
        stateDir: join(this.#run.directory, member),
        processingGuarantee: this.#run.guarantee ?? 'exactly-once',
        commitIntervalMs: 5,
        positionIntervalMs: 50,
        maxPollRecords: 50,
        bufferedRecordsPerPartition: 50,
      },
      {
        broker: this.#broker,
        logger: silentLogger,
        onUncaughtError: () => 'replace-thread',
        commitProbe: step => this.#probe(step),
      },
    )
    this.#members.set(member, streams)
    await streams.start()
  }

  async #arm(fault: Fault): Promise<void> {
    if (fault === 'member-leaves') {
      const member = this.#random.pick(MEMBERS)
      await this.#members.get(member)?.close()
      await this.#start(member)
      this.#struck[fault] += 1
      return
    }
    this.#armed = { fault, step: this.#random.pick(this.#steps) }
  }

  get #steps(): readonly CommitStep[] {
    return this.#run.guarantee === 'at-least-once' ? STEPS : TRANSACTION_STEPS
  }

  async #untilStruck(): Promise<void> {
    await eventually(() => this.#armed === undefined, { pauseMs: 2, what: `${this.#armed?.fault} to strike` })
  }

  #probe(step: CommitStep): void {
    if (this.#armed?.fault !== 'thread-dies' || this.#armed.step !== step) return
    this.#strike()
    throw new Error('the thread dies here')
  }

  intercept({ operation, transactionalId, clientId, outcome }: Interception): InterceptorDecision {
    const fault = this.#armed?.fault
    if (!fault || (transactionalId === undefined && !MEMBERS.some(member => clientId?.startsWith(member))))
      return undefined
    if (operation === 'end-transaction' && outcome !== 'abort') {
      if (fault === 'commit-refused') throw this.#error('INVALID_TXN_STATE', 'abortable')
      if (fault === 'fenced') throw this.#error('PRODUCER_FENCED', 'fenced')
      if (fault === 'commit-answer-lost') return { dropAnswer: this.#error('REQUEST_TIMED_OUT', 'retriable') }
    }
    if (operation === 'transaction-offsets' && fault === 'offsets-refused')
      throw this.#error('COORDINATOR_NOT_AVAILABLE', 'abortable')
    if (operation === 'produce' && fault === 'send-refused')
      throw this.#error('NOT_ENOUGH_REPLICAS', 'abortable')
    return undefined
  }

  #strike(): void {
    if (this.#armed) this.#struck[this.#armed.fault] += 1
    this.#armed = undefined
  }

  #error(code: string, errorClass: BrokerError['class']): BrokerError {
    this.#strike()
    return new BrokerError(code, errorClass, `a fault of this run: ${code}`)
  }

  /** Inputs of the application, its own topics included, that are not committed. */
  async #lag(): Promise<number> {
    const admin = await this.#broker.admin()
    try {
      const inputs = [
        TOPICS.purchases,
        TOPICS.checkouts,
        TOPICS.restocks,
        `${APPLICATION}-stock-changes-repartition`,
      ]
      const partitions = inputs.flatMap(topic =>
        Array.from({ length: topics[0]!.partitionCount }, (_, partition) => ({ topic, partition })),
      )
      const ends = await admin.endOffsets(partitions, 'read_uncommitted')
      const committed = await admin.groupOffsets(APPLICATION, partitions)
      const behind = [...ends].map(([key, end]) => end - (committed.get(key)?.offset ?? 0))
      return behind.reduce((sum, each) => sum + each, 0)
    } finally {
      await admin.close()
    }
  }
}

function zeroes(): { [fault in Fault]: number } {
  return Object.fromEntries(FAULTS.map(fault => [fault, 0])) as { [fault in Fault]: number }
}
