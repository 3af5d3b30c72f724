import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { DeferringContext } from '../../processor/deferred-work.ts'

/** Less is what a clock drifts. */
const JUMP_MS = 1_000

/** Notices that the wall clock was set, by comparing it with the monotonic one. */
export class ClockJumps {
  readonly #context: DeferringContext
  readonly #jumps: Counter
  /** Wall-clock time of the monotonic clock's zero, at the last look. */
  #zeroMs: number

  constructor(context: DeferringContext, tags: { readonly [name: string]: string }) {
    this.#context = context
    this.#jumps = context.metrics.counter('clock-jumps-total', tags, METRIC_GROUPS.own)
    this.#zeroMs = context.clock.nowMs() - context.clock.monotonicMs()
  }

  look(nowMs: number): void {
    const zeroMs = nowMs - this.#context.clock.monotonicMs()
    const jumpMs = Math.round(zeroMs - this.#zeroMs)
    if (Math.abs(jumpMs) < JUMP_MS) return
    this.#zeroMs = zeroMs
    this.#jumps.add()
    const effect =
      jumpMs > 0 ? 'forward: schedules fire early' : 'back: schedules wait, and do not fire twice'
    this.#context.logger.log('warn', `the clock was set by ${Math.abs(jumpMs)} ms, ${effect}`)
  }
}
