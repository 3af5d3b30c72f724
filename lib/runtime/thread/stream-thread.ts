import type { TopicPartition } from '../../broker/broker.ts'
import { abortable } from '../../common/abortable.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { TaskId } from '../../common/ids.ts'
import { letConnectionsIn } from '../../common/net/pending-connections.ts'
import { withTimeLimit } from '../../common/time-limit.ts'
import { AnchorPlan } from '../plan/anchor-plan.ts'
import type { ChangelogPositions } from './changelog-positions.ts'
import type { Commit } from './commit.ts'
import type { StreamsProducer } from '../nodes/streams-producer.ts'
import { reactionTo } from './reaction.ts'
import { hasPatterns, resolvePatterns } from '../plan/resolve-patterns.ts'
import type { OutputTopics } from '../nodes/output-topics.ts'
import type { InputWait } from './input-wait.ts'
import { changelogsOf } from '../../topology/internal-topics.ts'
import { prepareTopics } from '../plan/internal-topic-manager.ts'
import { RebalanceMailbox, type RebalanceEvent } from './rebalance-mailbox.ts'
import type { RecordLoop } from './record-loop.ts'
import type { Recovery } from './recovery.ts'
import { Refusals } from '../nodes/refusals.ts'
import type { RepartitionPurge } from './repartition-purge.ts'
import type { Restorer } from '../state/restorer.ts'
import type { StreamTask } from '../task/stream-task.ts'
import type { TaskManager } from './task-manager.ts'
import { TakeOverError } from './task-manager.ts'
import { checkGroup, openClients, type ThreadClients } from './thread-clients.ts'
import type { MetadataCheck } from '../plan/metadata-check.ts'
import type { StopSignals, StreamThreadOptions } from './thread-options.ts'
import type { ThreadMetrics } from '../metrics/thread-metrics.ts'
import { assembleThread, type ThreadStart } from './assemble-thread.ts'

/** Why a run ended: it was told to stop, or has to start over with new partition counts. */
export type ThreadOutcome = 'stopped' | 'partitions-changed'

const { restore: RESTORE } = METRIC_GROUPS
const IDLE_MS = 100
const HOUR_MS = 3_600_000
/** Limit for closing the parts of a run, where nobody waits for more. */
const LET_GO_MS = 3_000

/**
 * One loop that owns tasks, with one consumer and one producer: poll, process, punctuate, commit. An async
 * loop, not a thread of the operating system; the name is Kafka Streams'. One object is one run: starting
 * over takes another object.
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
  readonly #recovery: Recovery
  readonly #refusals: Refusals
  readonly #purge: RepartitionPurge
  readonly #metadata: MetadataCheck
  readonly #outputs: OutputTopics
  readonly #output: StreamsProducer
  readonly #wait: InputWait
  readonly #measures: ThreadMetrics
  #hasAssignment = false
  /** The error that keeps this process out of its group. */
  #refusal: Error | undefined
  #isClosed = false
  /** Time of the last epoch's end. */
  #lastCommitMs: number
  #lastFullCommitMs: number
  #sealedMs = 0
  /** Time that the last turn waited for records. */
  #waitedMs = 0

  private constructor(options: StreamThreadOptions, start: ThreadStart) {
    const parts = assembleThread(options, start, {
      settleOutputs: tasks => this.#settleOutputs(tasks),
      onSealed: () => this.#sealed(),
      onCommitted: shown => this.#committed(shown),
      onEnded: () => this.#wait.ring(),
    })
    this.#options = options
    this.#anchors = start.anchors
    this.#clients = start.clients
    this.#refusals = start.refusals
    this.#positions = parts.positions
    this.#restorer = parts.restorer
    this.#tasks = parts.tasks
    this.#loop = parts.loop
    this.#commit = parts.commit
    this.#recovery = parts.recovery
    this.#purge = parts.purge
    this.#metadata = parts.metadata
    this.#outputs = parts.outputs
    this.#output = parts.output
    this.#wait = parts.wait
    this.#measures = parts.measures
    this.#watch()
    this.#lastCommitMs = this.#lastFullCommitMs = options.clock.monotonicMs()
  }

  /** Checks topics and group, and joins. Throws errors that make the application impossible to run. */
  static async open(options: StreamThreadOptions): Promise<StreamThread> {
    const { admin, settings, logger, directory } = options
    const plan = hasPatterns(options.plan)
      ? resolvePatterns(options.plan, await admin.listTopics())
      : options.plan
    const counts = await prepareTopics(plan, admin, { ...settings, logger })
    const anchors = new AnchorPlan(plan.subtopologies, counts)
    const refusals = new Refusals(changelogsOf(plan))
    const clients = await openClients({ ...options, refusals }, { anchors, processId: directory.processId })
    const thread = new StreamThread({ ...options, plan }, { anchors, clients, counts, refusals })
    // Patterns that match nothing yet leave nothing to subscribe to: the metadata is looked at again and
    // again.
    if (anchors.topics.length > 0) clients.consumer.subscribe(anchors.topics, thread.#mailbox)
    else thread.#hasAssignment = true
    return thread
  }

  /**
   * Runs until told to stop, then commits and closes; where that takes too long (`force`), it closes without
   * a commit. Rejects with an error that it could not mend, closed as well.
   */
  async run({ stop, force }: StopSignals): Promise<ThreadOutcome> {
    try {
      return await abortable(this.#runAndClose(stop), force)
    } catch (reason) {
      const error = reason instanceof TakeOverError ? reason.cause : reason
      await this.#closeDirty(error, { isForced: force.aborted })
      const isMendable = reactionTo(error, 'start') !== 'fail' || reactionTo(error, 'run') !== 'fail'
      if (!force.aborted && !(stop.aborted && isMendable)) throw error
      this.#options.logger.log(
        'warn',
        'stopped without the last commit; what came after the one before is processed again at the next start',
        { error },
      )
      return 'stopped'
    }
  }

  /** Closes a thread that was opened and never run. */
  async close(): Promise<void> {
    await this.#closeDirty(undefined, { isForced: false })
  }

  async #runAndClose(stop: AbortSignal): Promise<ThreadOutcome> {
    while (!stop.aborted && !this.#metadata.hasChanged) await this.#guarded(() => this.#once())
    await this.#guarded(() => this.#commit.settled())
    await this.#closeClean()
    return this.#metadata.hasChanged ? 'partitions-changed' : 'stopped'
  }

  get tasks(): readonly StreamTask[] {
    return this.#tasks.running
  }

  get startingTasks(): readonly TaskId[] {
    return this.#tasks.starting
  }

  /** Partition counts of the topics that a sub-topology reads; none while a pattern matches no topic. */
  sourceCounts(subtopologyId: number): readonly number[] {
    return this.#anchors.sourceCounts(subtopologyId)
  }

  /**
   * Offsets between what readers see of the task's inputs and the ends as of the last fetch; undefined while
   * one is not known.
   */
  shownLag(task: StreamTask): number | undefined {
    let sum = 0
    for (const partition of task.partitions) {
      const end = this.#clients.consumer.knownEnd(partition)
      const shown = task.shownOffset(partition)
      if (end === undefined || shown === undefined) return undefined
      sum += Math.max(0, end - shown)
    }
    return sum
  }

  async #guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (this.#isClosed || !(await this.#recovery.recover(error))) throw error
    }
  }

  async #once(): Promise<void> {
    // The thread was closed by force, while the loop waited for something.
    if (this.#isClosed) throw new StreamsError('CLOSED', 'the thread is closed')
    this.#commit.throwIfFailed()
    if (this.#refusal) throw new TakeOverError(this.#refusal)
    await this.#rebalance()
    this.#tasks.startRestored()
    this.#tellState()
    const processed = this.#work()
    this.#punctuate()
    await this.#settleOutputs(this.#tasks.running)
    this.#positions.throwIfMadeAnew()
    this.#positions.maybeAsk(this.#tasks.running)
    await this.#maybeCommit()
    this.#metadata.maybeCheck()
    await this.#pause(processed)
  }

  #work(): number {
    const { clock, metrics } = this.#options
    metrics.maybeRoll()
    const startMs = clock.monotonicMs()
    this.#loop.poll()
    const polledMs = clock.monotonicMs()
    const processed = this.#loop.process()
    this.#measures.processed(processed, clock.monotonicMs() - polledMs)
    this.#measures.polled(this.#loop.polled, polledMs - startMs + this.#waitedMs)
    return processed
  }

  async #pause(processed: number): Promise<void> {
    const { clock } = this.#options
    const startMs = clock.monotonicMs()
    this.#waitedMs = 0
    const { producer } = this.#clients
    if (!this.#output.writable)
      await this.#measures.blocked(this.#output.isHolding ? this.#commit.settled() : producer.drained())
    // Requests of the group may have come with the last poll, after this turn looked for them.
    else if (processed > 0 || !this.#mailbox.isEmpty) await letConnectionsIn(clock)
    else if (this.#anchors.topics.length === 0) await clock.sleep(IDLE_MS)
    else {
      const mayRing = this.#tasks.isRestoring || this.#isDeferring() || this.#commit.isUnderWay
      await this.#wait.wait(this.#idleMs(), { mayRing })
      this.#waitedMs = clock.monotonicMs() - startMs
    }
  }

  #watch(): void {
    const measures = this.#measures
    // The numbers are Kafka Streams': 3 is PARTITIONS_ASSIGNED, 4 RUNNING, 6 DEAD.
    measures.watch('thread-state', () => {
      if (this.#isClosed) return 6
      return this.#hasAssignment && !this.#tasks.isRestoring ? 4 : 3
    })
    const isOpen = () => !this.#isClosed
    measures.watch('active-restoring-tasks', () => (isOpen() ? this.#tasks.starting.length : 0), RESTORE)
  }

  #isDeferring(): boolean {
    return this.#tasks.running.some(task => task.deferredInputs + task.parkedInputs > 0)
  }

  #idleMs(): number {
    let waitMs = Math.min(IDLE_MS, this.#commitWaitMs())
    for (const task of this.#tasks.running) waitMs = Math.min(waitMs, Math.max(0, task.wallClockWaitMs))
    return waitMs
  }

  /** Time until the next commit; Infinity where there is nothing to commit. The end of a commit rings. */
  #commitWaitMs(): number {
    if (this.#commit.isUnderWay || !this.#tasks.running.some(task => task.hasEffects)) return Infinity
    const { settings, clock } = this.#options
    return Math.max(0, this.#lastCommitMs + settings.commitIntervalMs - clock.monotonicMs())
  }

  /** Sends records whose topic had to be looked up, before the next ones are processed. */
  async #settleOutputs(tasks: readonly StreamTask[]): Promise<void> {
    for (const task of tasks) {
      if (task.collector.isParking) return this.#outputs.settle(tasks.map(({ collector }) => collector))
    }
  }

  #punctuate(): void {
    for (const task of this.#tasks.running) task.punctuateWallClock()
  }

  async #maybeCommit(): Promise<void> {
    const { settings, clock } = this.#options
    const nowMs = clock.monotonicMs()
    const isFull = this.#uncommittedBytes() > settings.uncommittedBytesMax
    // Memory is bounded: where two epochs have this much, the next one waits.
    if (isFull && this.#commit.isUnderWay) await this.#measures.blocked(this.#commit.settled())
    if (this.#commit.isUnderWay) return
    const isDue = nowMs - this.#lastCommitMs >= settings.commitIntervalMs
    if (isDue || isFull || this.#loop.isFull || this.#tasks.running.some(task => task.commitRequested)) {
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
    // While a refused changelog record is looked for, each epoch is committed before the next.
    if (this.#refusals.recordsMax < Infinity) await this.#commit.settled()
    // All offsets are committed now and then: those of topics nobody subscribes to would expire.
    if (all) this.#lastFullCommitMs = this.#lastCommitMs
  }

  async #commitAll(options: { readonly all: boolean }): Promise<void> {
    await this.#startCommit(options)
    await this.#commit.settled()
  }

  #sealed(): void {
    this.#sealedMs = this.#options.clock.monotonicMs()
    this.#positions.used()
    this.#loop.seal()
    this.#options.onEpochSealed()
  }

  #committed(shown: Promise<unknown> | undefined): void {
    const { clock, onEpochEnd } = this.#options
    this.#recovery.committed()
    this.#refusals.committed()
    this.#loop.committed()
    this.#measures.commit.took(clock.monotonicMs() - this.#sealedMs)
    onEpochEnd({ committed: true, shown })
    this.#purge.maybePurge(this.#tasks.running)
  }

  async #rebalance(): Promise<void> {
    for (let event = this.#mailbox.next(); event; event = this.#mailbox.next()) {
      try {
        await this.#handle(event)
      } finally {
        // The group must not wait for us for ever, whatever happened.
        event.done()
      }
    }
  }

  async #handle({ kind, partitions }: RebalanceEvent): Promise<void> {
    const { logger } = this.#options
    const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(' ')
    if (partitions.length > 0) logger.log('info', `partitions ${kind}: ${names}`)
    if (kind === 'assigned') {
      this.#tasks.take(partitions, this.#checkGroup())
      return
    }
    if (partitions.length === 0) return
    this.#options.onState('rebalancing')
    if (kind === 'revoked') await this.#giveUp(partitions)
    else await this.#lose(partitions)
  }

  /** Checks the group. New tasks wait for the answer, running ones do not. */
  #checkGroup(): Promise<void> {
    const { admin, settings } = this.#options
    const checking = checkGroup(admin, settings, this.#anchors)
    checking
      .then(() => (this.#hasAssignment = true))
      .catch((error: unknown) => (this.#refusal ??= errorFrom(error)))
      .finally(() => this.#wait.ring())
    return checking
  }

  /** Gives partitions up after a commit of the whole thread, since its tasks share a transaction. */
  async #giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    try {
      for (const partition of partitions) this.#tasks.taskOf(partition)?.prepareClose()
      await this.#commitAll({ all: false })
    } catch (error) {
      if (!(await this.#recovery.recover(error))) throw error
    }
    await this.#tasks.closeClean(partitions)
    this.#loop.forgetPauses()
  }

  /**
   * Drops partitions that belong to another member already: what the open transaction holds must not become
   * visible.
   */
  async #lose(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#commitEnded()
    await this.#tasks.closeDirty(partitions)
    await this.#recovery.backToLastCommit()
  }

  #tellState(): void {
    if (this.#hasAssignment) this.#options.onState(this.#tasks.isRestoring ? 'rebalancing' : 'running')
  }

  async #closeClean(): Promise<void> {
    const { consumer, producer } = this.#clients
    for (const task of this.#tasks.running) task.prepareClose()
    await this.#commitAll({ all: true })
    const anchors = this.#tasks.anchors()
    await this.#tasks.closeClean(anchors)
    this.#isClosed = true
    this.#mailbox.close()
    await this.#restorer.close()
    await consumer.close()
    await producer.close()
  }

  /**
   * Closes without a commit: nothing of the open epoch may become true. All parts are closed, even where some
   * fail.
   */
  async #closeDirty(error: unknown, { isForced }: { readonly isForced: boolean }): Promise<void> {
    const { consumer, producer } = this.#clients
    this.#isClosed = true
    this.#commit.giveUp()
    const steps = [
      ...(isForced ? [] : [() => this.#commitEnded(), () => this.#abortFor(error)]),
      () => this.#tasks.closeAllDirty(),
      async () => this.#mailbox.close(),
      () => this.#restorer.close(),
      () => consumer.close(),
      () => producer.close(),
    ]
    const closing = this.#takeSteps(steps)
    await (isForced ? this.#atMost(closing) : closing)
    this.#options.onEpochEnd({ committed: false })
  }

  async #takeSteps(steps: readonly (() => Promise<void>)[]): Promise<void> {
    for (const step of steps) {
      await step().catch((error: unknown) =>
        this.#options.logger.log('debug', 'closing after an error', { error }),
      )
    }
  }

  /**
   * Waits for the commit under way, however it ends: it writes to the engines of tasks, which must not be
   * closed under it.
   */
  async #commitEnded(): Promise<void> {
    await this.#commit.settled().catch(() => undefined)
  }

  /**
   * Aborts the transaction where no other producer follows. Otherwise the next producer ends it, at its
   * start, and a broker that does not answer is not waited for twice.
   */
  async #abortFor(error: unknown): Promise<void> {
    const isLast = reactionTo(error, 'start') === 'fail'
    if (!isLast || this.#options.settings.processingGuarantee !== 'exactly-once') return
    await this.#atMost(this.#clients.producer.abortTransaction())
  }

  async #atMost(work: Promise<void>): Promise<void> {
    await withTimeLimit(this.#options.clock, { limitMs: LET_GO_MS, late: () => undefined }, work)
  }
}
