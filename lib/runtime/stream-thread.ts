import type { Admin, Broker, TopicPartition } from '../broker/broker.ts'
import { BrokerError } from '../broker/broker-error.ts'
import { present } from '../common/assert.ts'
import type { Clock } from '../common/clock.ts'
import type { Logger } from '../common/logger.ts'
import type { Metrics } from '../common/metrics.ts'
import type { StateStore } from '../store/state-store.ts'
import type { TopologyPlan } from '../topology/plan.ts'
import { AnchorPlan } from './anchors.ts'
import { ChangelogPositions } from './changelog-positions.ts'
import { Commit, type CommitProbe } from './commit.ts'
import { EpochOutput } from './epoch-output.ts'
import { reactionTo } from './failure.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { hasPatterns, resolvePatterns } from './resolve-patterns.ts'
import { OutputTopics } from './output-topics.ts'
import { InputWait } from './input-wait.ts'
import { prepareTopics } from './internal-topic-manager.ts'
import { RebalanceMailbox, type RebalanceEvent } from './rebalance-mailbox.ts'
import { RecordLoop } from './record-loop.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import { Restorer } from './restore.ts'
import type { RuntimeSettings } from './settings.ts'
import type { StateDirectory } from './state-directory.ts'
import type { StreamTask } from './stream-task.ts'
import { TaskFactory, type ChangeTap } from './task-factory.ts'
import { TaskManager } from './task-manager.ts'
import { checkGroup, openClients, type ThreadClients } from './thread-clients.ts'

export type ThreadState = 'rebalancing' | 'running'
/** Why a run ended: it was told to; or it has to start over with new clients, or with new partition counts. */
export type ThreadOutcome = 'stopped' | 'rejoin' | 'partitions-changed'

export interface StreamThreadOptions {
  readonly plan: TopologyPlan
  readonly settings: RuntimeSettings
  readonly broker: Broker
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly directory: StateDirectory
  readonly memory: MemoryBudget
  readonly globalStore: (name: string) => StateStore | undefined
  readonly tap: ChangeTap
  readonly probe: CommitProbe | undefined
  readonly onState: (state: ThreadState) => void
  /** What is told to the tap from now on belongs to the next epoch. */
  readonly onEpochSealed: () => void
  /** After every commit: what was told to the tap in the sealed epoch is true now; `committed` false: nothing since the last one happened. */
  readonly onEpochEnd: (outcome: { readonly committed: boolean }) => void
}

const IDLE_MS = 100
const HOUR_MS = 3_600_000
const ABORT_PAUSE_MS = 100

/**
 * One loop that owns tasks, with one consumer and one producer: poll, process, punctuate, commit. An async loop, not a thread of the
 * operating system; the name is the JVM original's. One object is one run: whoever wants to start over makes another.
 */
export class StreamThread {
  readonly #options: StreamThreadOptions
  readonly #anchors: AnchorPlan
  readonly #clients: ThreadClients
  readonly #mailbox = new RebalanceMailbox()
  readonly #positions: ChangelogPositions
  readonly #restorer: Restorer
  readonly #tasks: TaskManager
  readonly #loop: RecordLoop
  readonly #commit: Commit
  readonly #purge: RepartitionPurge
  readonly #counts: ReadonlyMap<string, number>
  readonly #outputs: OutputTopics
  readonly #output: EpochOutput
  readonly #wait: InputWait
  #hasAssignment = false
  #aborts = 0
  /** Of the last epoch's end. */
  #lastCommitMs: number
  #lastFullCommitMs: number
  #sealedMs = 0
  #nextMetadataMs: number
  #metadataCheck: Promise<void> | undefined
  #partitionsChanged = false

  private constructor(
    options: StreamThreadOptions,
    start: { anchors: AnchorPlan; clients: ThreadClients; counts: ReadonlyMap<string, number> },
  ) {
    const { settings, clock, logger, metrics, admin, broker, plan, probe } = options
    const { producer, consumer } = start.clients
    this.#options = options
    this.#anchors = start.anchors
    this.#clients = start.clients
    this.#counts = start.counts
    this.#outputs = new OutputTopics(admin, clock, start.counts)
    this.#positions = new ChangelogPositions(admin, settings, clock, logger)
    this.#restorer = new Restorer({
      broker,
      admin,
      settings,
      clock,
      logger,
      metrics,
      clientId: `${settings.clientId}-restore`,
    })
    this.#output = new EpochOutput(producer)
    this.#wait = new InputWait(consumer, clock)
    const output = this.#output
    const factory = new TaskFactory({
      ...options,
      output,
      wake: this.#wait.ring,
      partitionCounts: topic => this.#outputs.count(topic),
    })
    const { restorer, positions } = { restorer: this.#restorer, positions: this.#positions }
    this.#tasks = new TaskManager({
      consumer,
      admin,
      anchors: this.#anchors,
      factory,
      restorer,
      positions,
      settings,
      logger,
      wake: this.#wait.ring,
    })
    const processed = metrics.counter('process-total')
    this.#loop = new RecordLoop({ consumer, output, tasks: this.#tasks, settings, clock, processed })
    const positionsOf = (task: StreamTask) => this.#positions.of(task)
    this.#commit = new Commit({
      producer,
      output,
      consumer,
      settings,
      clock,
      probe,
      positionsOf,
      settleOutputs: tasks => this.#settleOutputs(tasks),
      onSealed: () => this.#sealed(),
      onCommitted: () => this.#committed(),
    })
    const topics = new Set(plan.repartitionTopics.keys())
    this.#purge = new RepartitionPurge(admin, topics, {
      intervalMs: settings.repartitionPurgeIntervalMs,
      clock,
      logger,
    })
    this.#lastCommitMs = this.#lastFullCommitMs = clock.monotonicMs()
    this.#nextMetadataMs = clock.monotonicMs() + settings.metadataIntervalMs
  }

  /** Checks topics and group, and joins. Throws what makes the application impossible to run. */
  static async open(options: StreamThreadOptions): Promise<StreamThread> {
    const { admin, settings, logger, directory } = options
    const plan = hasPatterns(options.plan)
      ? resolvePatterns(options.plan, await admin.listTopics())
      : options.plan
    const counts = await prepareTopics(plan, admin, { ...settings, logger })
    const anchors = new AnchorPlan(plan.subtopologies, counts)
    const clients = await openClients(options, { anchors, processId: directory.processId })
    const thread = new StreamThread({ ...options, plan }, { anchors, clients, counts })
    // Patterns that match nothing yet leave nothing to be assigned: the look at the metadata goes on.
    if (anchors.topics.length > 0) clients.consumer.subscribe(anchors.topics, thread.#mailbox)
    else thread.#hasAssignment = true
    return thread
  }

  /** Runs until the signal aborts, then commits and closes. Rejects with what cannot be recovered from. */
  async run(signal: AbortSignal): Promise<ThreadOutcome> {
    try {
      while (!signal.aborted && !this.#partitionsChanged) await this.#guarded(() => this.#once())
      await this.#guarded(() => this.#commit.settled())
      await this.#closeClean()
      return this.#partitionsChanged ? 'partitions-changed' : 'stopped'
    } catch (error) {
      await this.#closeDirty()
      if (reactionTo(error) !== 'rejoin') throw error
      this.#options.logger.log('warn', 'the thread gives its tasks up and joins again', { error })
      return 'rejoin'
    }
  }

  get tasks(): readonly StreamTask[] {
    return this.#tasks.running
  }

  async #guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (await this.#recovered(error)) return
      throw error
    }
  }

  async #once(): Promise<void> {
    this.#commit.throwIfFailed()
    await this.#rebalance()
    this.#tasks.startRestored()
    this.#tellState()
    this.#loop.poll()
    const processed = this.#loop.process()
    this.#punctuate()
    await this.#settleOutputs(this.#tasks.running)
    this.#positions.maybeAsk(this.#tasks.running)
    await this.#maybeCommit()
    this.#maybeCheckMetadata()
    await this.#pause(processed)
  }

  async #pause(processed: number): Promise<void> {
    const { clock } = this.#options
    const { producer } = this.#clients
    if (!this.#output.writable) await (this.#output.isHolding ? this.#commit.settled() : producer.drained())
    // The group's calls may have come with the last poll, behind this round's look at them.
    else if (processed > 0 || !this.#mailbox.isEmpty) await clock.nextTurn()
    else if (this.#anchors.topics.length === 0) await clock.sleep(IDLE_MS)
    else await this.#wait.wait(this.#idleMs(), { mayRing: this.#tasks.isRestoring || this.#isDeferring() })
  }

  #isDeferring(): boolean {
    return this.#tasks.running.some(task => task.deferredInputs > 0)
  }

  #idleMs(): number {
    const { clock } = this.#options
    const nowMs = clock.nowMs()
    let waitMs = IDLE_MS
    for (const task of this.#tasks.running)
      waitMs = Math.min(waitMs, Math.max(0, task.nextWallClockTickMs - nowMs))
    return waitMs
  }

  /** Records whose topic nobody has looked up yet go out before the next ones are processed. */
  async #settleOutputs(tasks: readonly StreamTask[]): Promise<void> {
    for (const task of tasks) {
      if (task.collector.isParking) return this.#outputs.settle(tasks.map(({ collector }) => collector))
    }
  }

  #punctuate(): void {
    const nowMs = this.#options.clock.nowMs()
    for (const task of this.#tasks.running)
      if (task.nextWallClockTickMs <= nowMs) task.punctuateWallClock(nowMs)
  }

  async #maybeCommit(): Promise<void> {
    const { settings, clock } = this.#options
    const nowMs = clock.monotonicMs()
    const isFull = this.#uncommittedBytes() > settings.uncommittedBytesMax
    // Memory is bounded: with this much in two epochs, the next one waits.
    if (isFull && this.#commit.isUnderWay) await this.#commit.settled()
    if (this.#commit.isUnderWay) return
    const isDue = nowMs - this.#lastCommitMs >= settings.commitIntervalMs
    if (isDue || isFull || this.#tasks.running.some(task => task.commitRequested)) {
      await this.#startCommit({ all: nowMs - this.#lastFullCommitMs >= HOUR_MS })
    }
  }

  #uncommittedBytes(): number {
    let bytes = 0
    for (const task of this.#tasks.running) bytes += task.state.uncommittedBytes
    return bytes
  }

  async #startCommit({ all }: { readonly all: boolean }): Promise<void> {
    await this.#commit.start(this.#tasks.running, { all })
    this.#lastCommitMs = this.#options.clock.monotonicMs()
    // Offsets of topics nobody subscribes to expire: every one is committed again now and then.
    if (all) this.#lastFullCommitMs = this.#lastCommitMs
  }

  async #commitAll(options: { readonly all: boolean }): Promise<void> {
    await this.#startCommit(options)
    await this.#commit.settled()
  }

  #sealed(): void {
    this.#sealedMs = this.#options.clock.monotonicMs()
    this.#positions.used()
    this.#options.onEpochSealed()
  }

  #committed(): void {
    const { clock, metrics, onEpochEnd } = this.#options
    this.#aborts = 0
    metrics.counter('commit-total').add()
    metrics.counter('commit-time-ms-total').add(clock.monotonicMs() - this.#sealedMs)
    onEpochEnd({ committed: true })
    this.#purge.maybePurge(this.#tasks.running)
  }

  async #rebalance(): Promise<void> {
    for (let event = this.#mailbox.next(); event; event = this.#mailbox.next()) {
      try {
        await this.#handle(event)
      } finally {
        // Whatever happened, the group must not wait for us for ever.
        event.done()
      }
    }
  }

  async #handle({ kind, partitions }: RebalanceEvent): Promise<void> {
    const { admin, settings, logger } = this.#options
    const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(' ')
    if (partitions.length > 0) logger.log('info', `partitions ${kind}: ${names}`)
    if (kind === 'assigned') {
      await checkGroup(admin, settings, this.#anchors)
      this.#hasAssignment = true
      this.#tasks.take(partitions)
      return
    }
    if (partitions.length === 0) return
    this.#options.onState('rebalancing')
    if (kind === 'revoked') await this.#giveUp(partitions)
    else await this.#lose(partitions)
  }

  /** The whole thread commits, since its tasks share a transaction; then the partitions may go. */
  async #giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    try {
      await this.#commitAll({ all: false })
    } catch (error) {
      if (!(await this.#recovered(error))) throw error
    }
    await this.#tasks.closeClean(partitions)
    this.#loop.forgetPauses()
  }

  /** They belong to somebody else already: what the open transaction holds must not become visible. */
  async #lose(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#commitEnded()
    await this.#tasks.closeDirty(partitions)
    await this.#backToLastCommit()
  }

  /** Goes back to the last commit where that is enough; false where the error ends this run. */
  async #recovered(error: unknown): Promise<boolean> {
    if (error instanceof BrokerError && error.code === 'OFFSET_OUT_OF_RANGE') {
      await this.#resetPositions(error.partitions)
      return true
    }
    if (reactionTo(error) !== 'abort') return false
    this.#options.logger.log('warn', 'the transaction is aborted; its records are processed again', { error })
    await this.#backToLastCommit()
    this.#aborts += 1
    await this.#options.clock.sleep(ABORT_PAUSE_MS * Math.min(this.#aborts, 50))
    return true
  }

  async #backToLastCommit(): Promise<void> {
    const { producer } = this.#clients
    const exactlyOnce = this.#options.settings.processingGuarantee === 'exactly-once'
    await this.#endCommit()
    this.#options.metrics.counter('abort-total').add()
    this.#options.onEpochEnd({ committed: false })
    this.#loop.forgetPauses()
    if (exactlyOnce) {
      await producer.abortTransaction()
      await this.#tasks.reviveAll()
      await producer.begin()
      return
    }
    // The changelogs hold what the engines do not: the tasks are taken over again, restore included.
    const anchors = this.#tasks.anchors()
    this.#positions.forget()
    await this.#tasks.closeDirty(anchors)
    this.#tasks.take(anchors)
  }

  /** Whatever comes next takes both epochs back; a commit under way may still come true, or end this run. */
  async #endCommit(): Promise<void> {
    try {
      await this.#commit.settled()
    } catch (error) {
      if (reactionTo(error) !== 'abort') throw error
    }
    this.#commit.forget()
  }

  async #resetPositions(partitions: readonly TopicPartition[]): Promise<void> {
    const { logger } = this.#options
    await this.#commit.settled()
    for (const partition of partitions) {
      const task = this.#tasks.taskOf(partition)
      if (!task) continue
      const subtopology = present(
        this.#options.plan.subtopologies.find(plan => plan.sourceTopics.includes(partition.topic)),
        `sub-topology of ${partition.topic}`,
      )
      for (const [key, offset] of await this.#tasks.resetOffsets([{ subtopology }], [partition])) {
        logger.log(
          'warn',
          `the position in ${key} is no longer there; going on at ${offset} by the reset policy`,
        )
        task.restartAt(partition, offset)
        this.#clients.consumer.assign([{ topic: partition.topic, partition: partition.partition, offset }])
      }
    }
  }

  /** The work is divided by topics and partition counts: when they change, everything is counted anew. */
  #maybeCheckMetadata(): void {
    const { clock, settings, logger } = this.#options
    if (this.#metadataCheck || clock.monotonicMs() < this.#nextMetadataMs) return
    this.#nextMetadataMs = clock.monotonicMs() + settings.metadataIntervalMs
    this.#metadataCheck = this.#checkMetadata()
      .catch((error: unknown) => logger.log('debug', 'topics could not be described', { error }))
      .finally(() => (this.#metadataCheck = undefined))
  }

  async #checkMetadata(): Promise<void> {
    const { admin, plan } = this.#options
    const sources = (from: TopologyPlan) => from.subtopologies.flatMap(({ sourceTopics }) => sourceTopics)
    for (const { topic, partitionCount } of (await admin.describeTopics(sources(plan))).values()) {
      if (partitionCount !== this.#counts.get(topic)) this.#partitionsChanged = true
    }
    if (!hasPatterns(plan)) return
    const known = new Set(sources(plan))
    const found = sources(resolvePatterns(plan, await admin.listTopics()))
    if (found.some(topic => !known.has(topic))) this.#partitionsChanged = true
  }

  #tellState(): void {
    if (this.#hasAssignment) this.#options.onState(this.#tasks.isRestoring ? 'rebalancing' : 'running')
  }

  async #closeClean(): Promise<void> {
    const { consumer, producer } = this.#clients
    await this.#commitAll({ all: true })
    const anchors = this.#tasks.anchors()
    await this.#tasks.closeClean(anchors)
    this.#mailbox.close()
    await this.#restorer.close()
    await consumer.close()
    await producer.close()
  }

  /** Nothing of the open epoch may become true; everything is let go of, whatever fails on the way. */
  async #closeDirty(): Promise<void> {
    const { consumer, producer } = this.#clients
    const steps = [
      () => this.#commitEnded(),
      () => this.#abortQuietly(),
      () => this.#tasks.closeAllDirty(),
      async () => this.#mailbox.close(),
      () => this.#restorer.close(),
      () => consumer.close(),
      () => producer.close(),
    ]
    for (const step of steps) {
      await step().catch((error: unknown) =>
        this.#options.logger.log('debug', 'closing after an error', { error }),
      )
    }
    this.#options.onEpochEnd({ committed: false })
  }

  /** However it ends: it writes to the engines of tasks, which must not be closed under it. */
  async #commitEnded(): Promise<void> {
    await this.#commit.settled().catch(() => undefined)
  }

  async #abortQuietly(): Promise<void> {
    if (this.#options.settings.processingGuarantee !== 'exactly-once') return
    await this.#clients.producer.abortTransaction()
  }
}
