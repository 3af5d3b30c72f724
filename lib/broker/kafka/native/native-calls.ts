import type { Clock } from '../../../common/clock.ts'
import { withTimeLimit } from '../../../common/time-limit.ts'
import { BrokerError } from '../../broker-error.ts'
import { endDespiteStuckCall } from './end-despite-stuck-call.ts'
import { nativeCall } from './native-call.ts'
import type { NativeCallback } from './native-client.ts'

/** How late a call may be, beyond its own timeout, before it is not waited for any more. */
const LATE_MS = 2_000
/** How long a close waits for unfinished calls. */
const CLOSE_MS = 5_000

/**
 * The unfinished calls of a native handle, which must not be destroyed before they return; the client does
 * not prevent that. Some never return, whatever their timeout: `sendOffsetsToTransaction` while no broker can
 * be connected to (librdkafka 2.15.1, `rd_kafka_coord_req_fsm`).
 */
export class NativeCalls {
  readonly #clock: Clock
  readonly #running = new Set<Promise<unknown>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Makes a call, and limits it as `answer` does. */
  run<T>(doing: string, timeoutMs: number, start: (callback: NativeCallback<T>) => void): Promise<T> {
    return this.answer(doing, timeoutMs, nativeCall(doing, start))
  }

  /**
   * Limits a call whose own timeout is `timeoutMs`. Rejects with class `retriable` where the call does not
   * keep to it; the call goes on, and its outcome is ignored.
   */
  answer<T>(doing: string, timeoutMs: number, call: Promise<T>): Promise<T> {
    const limitMs = timeoutMs + LATE_MS
    const late = () => {
      const message = `the native client has not answered within ${limitMs} ms while ${doing}`
      throw new BrokerError('REQUEST_TIMED_OUT', 'retriable', message)
    }
    return withTimeLimit(this.#clock, { limitMs, late }, this.track(call))
  }

  /** Keeps the handle until the call is settled. */
  track<T>(call: Promise<T>): Promise<T> {
    this.#running.add(call)
    const over = () => this.#running.delete(call)
    call.then(over, over)
    return call
  }

  /**
   * Calls `destroy` when all calls have returned. Resolves after that, or after 5 s; `destroy` is then called
   * later.
   */
  async whenOver(destroy: () => Promise<void>): Promise<void> {
    if (this.#running.size === 0) return destroy()
    const over = Promise.allSettled(this.#running)
    const late = () => endDespiteStuckCall(this.#clock, over)
    await withTimeLimit(this.#clock, { limitMs: CLOSE_MS, late }, over.then(destroy))
  }
}
