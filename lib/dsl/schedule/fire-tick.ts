import type { DeferringContext } from '../../processor/deferred-work.ts'
import type { Cancellable } from '../../processor/processor-context.ts'
import type { ScheduleStore } from '../../store/operator/schedule-store.ts'

const COMMIT_DISTANCE_MS = 20

/** Calls `fire` when the first schedule of a store is due, and again while one is. */
export class FireTick {
  readonly #context: DeferringContext
  readonly #store: ScheduleStore
  readonly #fire: (nowMs: number) => void
  #tick: Cancellable | undefined
  #tickMs = Infinity
  #isFiring = false
  #commitAskedMs = -Infinity

  constructor(context: DeferringContext, store: ScheduleStore, fire: (nowMs: number) => void) {
    this.#context = context
    this.#store = store
    this.#fire = fire
  }

  /** To be called whenever schedules have changed. */
  arm(): void {
    const dueMs = this.#store.first?.dueMs ?? Infinity
    if (this.#isFiring || dueMs === this.#tickMs) return
    this.#tick?.cancel()
    this.#tickMs = dueMs
    this.#tick =
      dueMs === Infinity
        ? undefined
        : this.#context.schedule({ atMs: dueMs, type: 'wall-clock-time' }, this.#run)
  }

  readonly #run = (nowMs: number): void => {
    this.#tickMs = Infinity
    this.#isFiring = true
    try {
      this.#fire(nowMs)
    } finally {
      this.#isFiring = false
      this.arm()
    }
    this.#maybeCommit()
  }

  /** Asks for a commit, so that firings are visible soon, whatever `commitIntervalMs` is. */
  #maybeCommit(): void {
    const nowMs = this.#context.clock.monotonicMs()
    if (nowMs - this.#commitAskedMs < COMMIT_DISTANCE_MS) return
    this.#commitAskedMs = nowMs
    this.#context.commit()
  }
}
