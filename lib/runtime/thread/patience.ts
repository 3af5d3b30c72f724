import { BrokerError } from '../../broker/broker-error.ts'
import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import { METRIC_GROUPS, type Metrics } from '../../common/metrics/metrics.ts'
import { boundOf, reactionTo, type Bound } from './reaction.ts'

export interface PatienceOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** How long a first start that has met a broker is repeated after errors that may pass. */
  readonly taskTimeoutMs: number
  /** Gives the application another process id: under this one it is fenced again and again. */
  readonly renewProcessId: () => Promise<void>
}

const TOPIC_MS = 30_000
const AUTHENTICATION_MS = 60_000
const SESSION_MS = 60_000
const CHANGELOG_MS = 60_000
const FEW = 3
/** Time after which another fencing counts as one for another reason. */
const FENCED_APART_MS = 60_000
const PAUSE_MS = 200
const PAUSE_MS_MAX = 5_000
const LOG_MS = 60_000

/** Occurrences of an error since the last commit. */
interface Trouble {
  readonly sinceMs: number
  times: number
}

/**
 * Decides how often, and for how long, an application gives its tasks up and joins again: counts errors
 * without a commit between, waits longer each time, and says once a minute what is waited for.
 */
export class Patience {
  readonly #options: PatienceOptions
  readonly #troubles = new Map<Bound, Trouble>()
  #fenced = { times: 0, atMs: -Infinity }
  #pauseMs = PAUSE_MS
  #loggedMs = -Infinity
  /** Whether tasks have processed, or global tables were loaded, at least once. */
  #hasRun = false

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  running(): void {
    this.#hasRun = true
  }

  /** Begins to count anew after a commit: the cause of the errors is gone. */
  progressed(): void {
    this.#troubles.clear()
    this.#pauseMs = PAUSE_MS
    this.#loggedMs = -Infinity
  }

  /** Whether to begin anew after this error, which the run could not mend; false: it ends the application. */
  async mayBeginAnew(error: Error): Promise<boolean> {
    if (reactionTo(error, 'start') !== 'rejoin') return false
    const bound = boundOf(error)
    const { clock, metrics } = this.#options
    const nowMs = clock.monotonicMs()
    const trouble = this.#troubles.get(bound) ?? { sinceMs: nowMs, times: 0 }
    trouble.times += 1
    this.#troubles.set(bound, trouble)
    if (!(await this.#isWithin(bound, trouble, error))) return false
    metrics.counter('rejoin-total', { cause: codeOf(error) }, METRIC_GROUPS.own).add()
    this.#log(error, nowMs - trouble.sinceMs)
    return true
  }

  /** Waits before the next beginning, longer each time. */
  async pause(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(this.#pauseMs, signal)
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS_MAX)
  }

  async #isWithin(bound: Bound, { sinceMs, times }: Trouble, error: Error): Promise<boolean> {
    const waitedMs = this.#options.clock.monotonicMs() - sinceMs
    switch (bound) {
      case 'passes':
        if (this.#hasRun) return true
        return codeOf(error) !== 'BROKER_UNREACHABLE' && waitedMs < this.#options.taskTimeoutMs
      case 'topic':
        return (this.#hasRun || error instanceof BrokerError) && waitedMs < TOPIC_MS
      case 'authentication':
        return this.#hasRun && waitedMs < AUTHENTICATION_MS
      case 'session':
        return waitedMs < SESSION_MS
      case 'changelog':
        return this.#hasRun && waitedMs < CHANGELOG_MS
      case 'few':
        return this.#hasRun && times <= FEW
      case 'fenced':
        await this.#countFenced()
        return times <= 2 * FEW
    }
  }

  /**
   * Counts fencings even with commits between: two copies of a state directory fence each other in turn, and
   * each commits meanwhile.
   */
  async #countFenced(): Promise<void> {
    const { clock, logger, renewProcessId } = this.#options
    const nowMs = clock.monotonicMs()
    const isApart = nowMs - this.#fenced.atMs > FENCED_APART_MS
    this.#fenced = { times: isApart ? 1 : this.#fenced.times + 1, atMs: nowMs }
    if (this.#fenced.times !== FEW + 1) return
    logger.log(
      'warn',
      `fenced ${FEW + 1} times in a row, though no other process has this state directory: going on under a new process id, in case it was copied`,
    )
    await renewProcessId()
  }

  #log(error: Error, waitedMs: number): void {
    const { clock, logger } = this.#options
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#loggedMs < LOG_MS) return
    this.#loggedMs = nowMs
    const since = waitedMs > 0 ? `, since ${Math.round(waitedMs / 1000)} s` : ''
    logger.log('warn', `the tasks are given up, and the group is joined again${since}: ${error.message}`, {
      error,
    })
  }
}

function codeOf(error: Error): string {
  return error instanceof StreamsError ? error.code : error.name
}
