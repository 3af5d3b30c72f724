import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { Cancellable, TimerHandler } from '../../processor/processor-context.ts'
import type { StoredTimer } from '../../store/operator/timer-index.ts'
import type { DurableTimerStore } from '../../store/operator/timer-store.ts'
import { refuseAsync } from './async-processor.ts'
import { decideFailure } from './decide-failure.ts'
import type { TaskScope } from './task-scope.ts'

/**
 * Timers that fire in one turn of the loop, at most; other due ones fire in the next turn, after other work.
 */
const FIRINGS_MAX = 500
const COMMIT_DISTANCE_MS = 20

/**
 * Fires the timers of a store in a node: one tick of the wall clock is scheduled, at the time of the first of
 * them. Firing removes a timer before its handler is called, so that the handler may set it again; an abort
 * brings it back with everything else.
 */
export class NodeTimers<K> {
  readonly #scope: TaskScope
  readonly #nodeName: string
  readonly #store: DurableTimerStore<K>
  readonly #handler: TimerHandler<K>
  readonly #fired: Counter
  #tick: Cancellable | undefined
  #tickMs = Infinity
  #isFiring = false
  #commitAskedMs = -Infinity

  constructor(scope: TaskScope, nodeName: string, store: DurableTimerStore<K>, handler: TimerHandler<K>) {
    this.#scope = scope
    this.#nodeName = nodeName
    this.#store = store
    this.#handler = handler
    const { metrics, taskId } = scope
    const tags = { 'task-id': taskId, store: store.name }
    this.#fired = metrics.counter('timers-fired-total', tags, METRIC_GROUPS.own)
    metrics.gauge('timers-pending', tags, () => store.size, METRIC_GROUPS.own)
  }

  start(): void {
    this.#store.setListener(this.#arm)
    this.#arm()
  }

  readonly #arm = (): void => {
    const { firstDueMs } = this.#store
    if (this.#isFiring || firstDueMs === this.#tickMs) return
    this.#tick?.cancel()
    this.#tickMs = firstDueMs
    this.#tick =
      firstDueMs === Infinity
        ? undefined
        : this.#scope.schedule(this.#nodeName, { atMs: firstDueMs, type: 'wall-clock-time' }, this.#fire)
  }

  readonly #fire = (nowMs: number): void => {
    this.#tickMs = Infinity
    this.#isFiring = true
    try {
      this.#fireDue(nowMs)
    } finally {
      this.#isFiring = false
      this.#arm()
    }
    this.#maybeCommit()
  }

  #fireDue(nowMs: number): void {
    const { context } = this.#scope
    for (let fired = 0; fired < FIRINGS_MAX; fired += 1) {
      const timer = this.#store.takeDue(nowMs)
      if (!timer) return
      this.#scope.context = context
      this.#call(timer)
    }
  }

  #call(timer: StoredTimer): void {
    const scope = this.#scope
    const { context } = scope
    this.#fired.add()
    try {
      const result = this.#handler(this.#store.keyOf(timer), timer.dueMs) as unknown
      refuseAsync(result, this.#nodeName, 'handler of timers')
    } catch (error) {
      scope.context = context
      decideFailure(scope, this.#nodeName, error)
    }
  }

  /** Asks for a commit, so that outputs of timers are visible soon, whatever `commitIntervalMs` is. */
  #maybeCommit(): void {
    const nowMs = this.#scope.clock.monotonicMs()
    if (nowMs - this.#commitAskedMs < COMMIT_DISTANCE_MS) return
    this.#commitAskedMs = nowMs
    this.#scope.requestCommit()
  }
}
