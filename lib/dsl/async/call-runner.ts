import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { AsyncLimits } from '../options/async-options.ts'
import { AsyncCalls, type AsyncCallsOptions } from '../calls/async-calls.ts'
import { CallQueue } from './call-queue.ts'
import type { PendingCall } from '../calls/pending-call.ts'

export interface CallRunnerOptions<K, V, R> extends Omit<AsyncCallsOptions<K, V, R>, 'ended' | 'timeoutMs'> {
  readonly limits: AsyncLimits
  /** The oldest call has ended. */
  readonly onReady: () => void
}

/**
 * Makes the calls of one operator in one task, and keeps what came of them until it is taken, in the order of
 * arrival.
 */
export class CallRunner<K, V, R> {
  readonly #queue: CallQueue<K, V, R>
  readonly #calls: AsyncCalls<K, V, R>

  constructor(options: CallRunnerOptions<K, V, R>) {
    const { limits, metrics, tags, onReady } = options
    const { concurrency, timeoutMs } = limits
    this.#calls = new AsyncCalls({
      ...options,
      timeoutMs,
      ended: call => {
        this.#queue.ended(call)
        if (call === this.#queue.oldest) onReady()
      },
    })
    this.#queue = new CallQueue(concurrency, call => this.#calls.start(call))
    metrics.gauge('async-calls-in-flight', tags, () => this.#queue.running, METRIC_GROUPS.own)
  }

  /** Inputs whose results have not been taken. */
  get size(): number {
    return this.#queue.size
  }

  get hasRoom(): boolean {
    return this.#queue.hasRoom
  }

  get isReady(): boolean {
    return this.#queue.oldest?.state === 'ended'
  }

  get oldest(): PendingCall<K, V, R> | undefined {
    return this.#queue.oldest
  }

  add(call: PendingCall<K, V, R>): void {
    this.#queue.add(call)
  }

  /** Only while `isReady`. */
  takeOldest(): PendingCall<K, V, R> {
    return this.#queue.takeOldest()
  }

  /** Ends what runs; no result is used any more. */
  close(): void {
    this.#calls.abandon(this.#queue.clear())
  }
}
