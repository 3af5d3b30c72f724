import type { Admin, Broker } from '../../broker/broker.ts'
import { abortable } from '../../common/abortable.ts'
import type { Clock } from '../../common/clock.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { Tracer } from '../../common/context/tracer.ts'
import type { StateStore } from '../../store/contract/state-store.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { ChangeFeed } from '../state/change-feed.ts'
import type { CommitProbe } from './commit.ts'
import { explainError } from './explain-error.ts'
import { reactionTo } from './reaction.ts'
import { GlobalThread } from './global-thread.ts'
import type { MemoryBudget } from '../state/memory-budget.ts'
import { Patience } from './patience.ts'
import { hasPatterns } from '../plan/resolve-patterns.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import { StateCleaner } from '../state/state-cleaner.ts'
import type { StateDirectory } from '../state/state-directory.ts'
import { StreamThread, type ThreadOutcome } from './stream-thread.ts'
import type { StopSignals } from './thread-options.ts'
import type { StreamTask } from '../task/stream-task.ts'

export interface SupervisorOptions {
  readonly plan: TopologyPlan
  readonly settings: RuntimeSettings
  readonly broker: Broker
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly directory: StateDirectory
  readonly memory: MemoryBudget
  readonly feed: ChangeFeed
  readonly globalFeed: ChangeFeed
  readonly commitProbe: CommitProbe | undefined
  readonly tracer: Tracer | undefined
  /** Whether to begin anew after an error that ended the work. */
  readonly replacesAfter: (error: Error) => boolean
  readonly onState: (state: 'rebalancing' | 'running') => void
}

/**
 * Runs the global tables and the thread of one process, and begins anew with whichever ends for a reason that
 * passes. The stream thread reads global tables, so it stops before they are loaded anew.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #patience: Patience
  readonly #cleaner: StateCleaner
  #thread: StreamThread | undefined
  #global: GlobalThread | undefined
  #refusedSinceMs: number | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#cleaner = new StateCleaner(options)
    const { clock, logger, metrics, settings, directory } = options
    this.#patience = new Patience({
      clock,
      logger,
      metrics,
      taskTimeoutMs: settings.taskTimeoutMs,
      renewProcessId: () => directory.renewProcessId(),
    })
  }

  get tasks(): readonly StreamTask[] {
    return this.#thread?.tasks ?? []
  }

  /** The stream thread, while it is open. */
  get thread(): StreamThread | undefined {
    return this.#thread
  }

  /** The thread of global tables, while it is open. */
  get global(): GlobalThread | undefined {
    return this.#global
  }

  globalStore(name: string): StateStore | undefined {
    return this.#global?.store(name)
  }

  /** Resolves when stopped; rejects with the error that ends the application. */
  async run({ stop, force }: StopSignals): Promise<void> {
    const ended = new AbortController()
    const cleaning = this.#cleaner.run(AbortSignal.any([stop, ended.signal]))
    try {
      await this.#superviseAll({ stop, force })
    } finally {
      ended.abort()
      await cleaning
    }
  }

  async #superviseAll({ stop, force }: StopSignals): Promise<void> {
    while (!stop.aborted) {
      const ended = new AbortController()
      const signals = { stop: AbortSignal.any([stop, ended.signal]), force }
      const global = await this.#attempt(() => this.#openGlobal(signals.stop), stop)
      if (global === 'again') continue
      // The one that ends first stops the other.
      const ending = (work: Promise<void>) => work.finally(() => ended.abort())
      const [threads, tables] = await Promise.allSettled([
        ending(this.#superviseThread(signals)),
        ending(global.run(signals.stop)),
      ])
      await this.#closeGlobal()
      if (threads.status === 'rejected') throw threads.reason
      if (tables.status === 'fulfilled') return
      if ((await this.#attempt(() => Promise.reject(errorFrom(tables.reason)), stop)) !== 'again') return
    }
  }

  /** Runs a stream thread, and another one whenever it has to start over. */
  async #superviseThread(signals: StopSignals): Promise<void> {
    const { plan } = this.#options
    // A topology of global tables only has nothing to process.
    if (plan.subtopologies.length === 0) {
      this.#tellState('running')
      return forever(signals.stop)
    }
    while (!signals.stop.aborted) {
      const outcome = await this.#attempt(() => this.#runThread(signals), signals.stop)
      if (outcome === 'stopped') return
      this.#tellState('rebalancing')
      if (outcome === 'partitions-changed') await this.#patience.pause(signals.stop)
    }
  }

  /**
   * Runs `work`. Returns `again` where it failed for a reason that passes, after the pause before the next
   * attempt.
   */
  async #attempt<T>(work: () => Promise<T>, stop: AbortSignal): Promise<T | 'again'> {
    try {
      return await work()
    } catch (reason) {
      const error = this.#explained(reason)
      if (stop.aborted && (isAborted(error) || reactionTo(error, 'start') === 'rejoin')) return 'again'
      if (!(this.#waitsForOthers(error) || (await this.#patience.mayBeginAnew(error)))) {
        if (!this.#options.replacesAfter(error)) throw error
      }
    }
    this.#tellState('rebalancing')
    await this.#patience.pause(stop)
    return 'again'
  }

  #explained(reason: unknown): Error {
    const { broker, settings } = this.#options
    return explainError(errorFrom(reason), {
      applicationId: settings.applicationId,
      principal: broker.principal,
    })
  }

  async #openGlobal(stop: AbortSignal): Promise<Pick<GlobalThread, 'run'>> {
    const { plan, globalFeed } = this.#options
    if (plan.globalSubtopologies.length === 0) return { run: forever }
    const opening = GlobalThread.open({
      ...this.#options,
      tap: globalFeed.tap,
      onEpochEnd: () => {
        this.#patience.progressed()
        globalFeed.epochSealed()
        globalFeed.epochEnd({ committed: true })
      },
    })
    const global = await unlessStopped(opening, stop, late => late.close())
    this.#global = global
    try {
      await global.load(stop)
      return global
    } catch (error) {
      await this.#closeGlobal()
      throw error
    }
  }

  async #closeGlobal(): Promise<void> {
    await this.#global?.close()
    this.#global = undefined
  }

  async #runThread(signals: StopSignals): Promise<ThreadOutcome> {
    const { feed, commitProbe } = this.#options
    const opening = StreamThread.open({
      ...this.#options,
      globalStore: name => this.globalStore(name),
      tap: feed.tap,
      probe: commitProbe,
      onState: state => this.#tellState(state),
      onEpochSealed: () => feed.epochSealed(),
      onEpochEnd: outcome => {
        if (outcome.committed) this.#patience.progressed()
        feed.epochEnd(outcome)
      },
    })
    const thread = await unlessStopped(opening, signals.stop, late => late.close())
    this.#thread = thread
    this.#refusedSinceMs = undefined
    try {
      return await thread.run(signals)
    } finally {
      this.#thread = undefined
    }
  }

  #tellState(state: 'rebalancing' | 'running'): void {
    if (state === 'running') this.#patience.running()
    this.#cleaner.tell(state === 'running')
    this.#options.onState(state)
  }

  /**
   * Whether to wait for other members: a new topic that matches a pattern changes how the work is divided,
   * and members find it one after the other. The first one waits until the others have looked as well.
   */
  #waitsForOthers(error: Error): boolean {
    const { clock, logger, plan, settings } = this.#options
    if (!(error instanceof StreamsError && error.code === 'ANCHORS_CHANGED' && hasPatterns(plan)))
      return false
    this.#refusedSinceMs ??= clock.monotonicMs()
    if (clock.monotonicMs() - this.#refusedSinceMs > 2 * settings.metadataIntervalMs) return false
    logger.log('info', 'other members of the group have not seen the same topics yet; waiting for them')
    return true
  }
}

/**
 * Resolves with what was opened, or rejects at the stop; what opens after the stop is closed with `letGo`.
 */
async function unlessStopped<T>(
  opening: Promise<T>,
  stop: AbortSignal,
  letGo: (late: T) => Promise<void>,
): Promise<T> {
  try {
    return await abortable(opening, stop)
  } catch (error) {
    if (stop.aborted) opening.then(letGo).catch(() => undefined)
    throw error
  }
}

function isAborted(error: Error): boolean {
  return error instanceof StreamsError && error.code === 'ABORTED'
}

async function forever(stop: AbortSignal): Promise<void> {
  await abortable(new Promise<never>(() => undefined), stop).catch(() => undefined)
}
