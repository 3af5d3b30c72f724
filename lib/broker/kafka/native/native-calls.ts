import type { Clock } from '../../../common/clock.ts'
import { withTimeLimit } from '../../../common/time-limit.ts'
import { BrokerError } from '../../broker-error.ts'
import { endDespiteStuckCall } from './end-despite-stuck-call.ts'
import { nativeCall } from './native-call.ts'
import type { NativeCallback } from './native-client.ts'

/** A call that knows its time answers within it; what is late by so much is not waited for any more. */
const LATE_MS = 2_000
/** How long a close waits for calls that are under way. */
const CLOSE_MS = 5_000

/**
 * The calls under way on one native handle. It must not be destroyed under them, which the client does not
 * prevent, and some never return whatever time they are given: `sendOffsetsToTransaction` where no broker can
 * be connected to (librdkafka 2.15.1, `rd_kafka_coord_req_fsm`).
 */
export class NativeCalls {
  readonly #clock: Clock
  readonly #running = new Set<Promise<unknown>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** As `answer`, of a call that is made here. */
  run<T>(doing: string, timeoutMs: number, start: (callback: NativeCallback<T>) => void): Promise<T> {
    return this.answer(doing, timeoutMs, nativeCall(doing, start))
  }

  /**
   * `timeoutMs` is what the call was told. Rejects, retriable, where it does not keep to it; then it goes on,
   * unheard.
   */
  answer<T>(doing: string, timeoutMs: number, call: Promise<T>): Promise<T> {
    const limitMs = timeoutMs + LATE_MS
    const late = () => {
      const message = `the native client has not answered within ${limitMs} ms while ${doing}`
      throw new BrokerError('REQUEST_TIMED_OUT', 'retriable', message)
    }
    return withTimeLimit(this.#clock, { limitMs, late }, this.track(call))
  }

  /** Until it is settled the handle is not destroyed. */
  track<T>(call: Promise<T>): Promise<T> {
    this.#running.add(call)
    const over = () => this.#running.delete(call)
    call.then(over, over)
    return call
  }

  /**
   * Calls `destroy` when no call is under way. Resolves when it has, or after 5 s, where a call does not
   * return; it is destroyed when it does.
   */
  async whenOver(destroy: () => Promise<void>): Promise<void> {
    if (this.#running.size === 0) return destroy()
    const over = Promise.allSettled(this.#running)
    const late = () => endDespiteStuckCall(this.#clock, over)
    await withTimeLimit(this.#clock, { limitMs: CLOSE_MS, late }, over.then(destroy))
  }
}
