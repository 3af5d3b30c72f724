import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { Headers } from '../../common/headers.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS, type Metrics } from '../../common/metrics/metrics.ts'
import type { AsyncCall } from '../options/async-functions.ts'
import type { AsyncLimits } from '../options/async-options.ts'
import { CallQueue } from './call-queue.ts'
import type { Outcome, PendingCall } from './pending-call.ts'

export interface CallRunnerOptions<K, V, R> {
  readonly limits: AsyncLimits
  readonly clock: Clock
  readonly metrics: Metrics
  readonly tags: { readonly 'task-id': string; readonly node: string }
  /** User code. */
  readonly call: (input: PendingCall<K, V, R>, about: AsyncCall) => PromiseLike<R>
  /** The oldest call has ended. */
  readonly onReady: () => void
}

/**
 * Makes the calls of one operator in one task, and keeps what came of them until it is taken, in the order of
 * arrival.
 */
export class CallRunner<K, V, R> {
  readonly #options: CallRunnerOptions<K, V, R>
  readonly #queue: CallQueue<K, V, R>
  readonly #calls: Counter
  readonly #failures: Counter
  readonly #timeouts: Counter

  constructor(options: CallRunnerOptions<K, V, R>) {
    const { limits, metrics, tags } = options
    this.#options = options
    this.#queue = new CallQueue(limits.concurrency, call => this.#start(call))
    this.#calls = metrics.counter('async-calls-total', tags, METRIC_GROUPS.own)
    this.#failures = metrics.counter('async-failures-total', tags, METRIC_GROUPS.own)
    this.#timeouts = metrics.counter('async-timeouts-total', tags, METRIC_GROUPS.own)
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
    const reason = new StreamsError(
      'TASK_CLOSED',
      'the task that made this call has left this process or goes back to its last commit; the call is repeated if its result is still needed',
    )
    for (const call of this.#queue.clear()) {
      const { controller, timer } = call
      call.state = 'ended'
      release(call)
      timer?.cancel()
      controller?.abort(reason)
    }
  }

  #start(call: PendingCall<K, V, R>): void {
    const { limits, clock } = this.#options
    const controller = new AbortController()
    call.state = 'running'
    call.controller = controller
    this.#calls.add()
    if (limits.timeoutMs !== Infinity) {
      call.timer = clock.schedule(limits.timeoutMs, () => this.#timeOut(call), { keepsAlive: false })
    }
    const about = describeCall(call, controller.signal)
    // A callback that throws instead of rejecting has failed all the same; it must not end the record that
    // freed its place.
    new Promise<R>(resolve => resolve(this.#options.call(call, about))).then(
      result => this.#end(call, { result }),
      (reason: unknown) => this.#fail(call, asUserFailure(reason)),
    )
  }

  #timeOut(call: PendingCall<K, V, R>): void {
    const { timeoutMs } = this.#options.limits
    const { controller } = call
    if (call.state !== 'running') return
    const error = new StreamsError(
      'ASYNC_TIMEOUT',
      `the call for ${call.idempotencyKey ?? 'a record of a punctuator'} has not ended within ${timeoutMs} ms: see to it that it heeds ` +
        'its signal, or set timeoutMs',
    )
    this.#timeouts.add()
    this.#fail(call, error)
    controller?.abort(error)
  }

  #fail(call: PendingCall<K, V, R>, failure: unknown): void {
    if (call.state !== 'running') return
    this.#failures.add()
    this.#end(call, { failure })
  }

  #end(call: PendingCall<K, V, R>, outcome: Outcome<R>): void {
    // Late: it has timed out, or its task is closed.
    if (call.state !== 'running') return
    call.timer?.cancel()
    call.state = 'ended'
    call.outcome = outcome
    release(call)
    this.#queue.ended(call)
    if (call === this.#queue.oldest) this.#options.onReady()
  }
}

function release(call: PendingCall): void {
  call.controller = undefined
  call.timer = undefined
}

function describeCall({ input, idempotencyKey }: PendingCall, signal: AbortSignal): AsyncCall {
  const { topic, partition, offset, timestamp, headers } = input.context
  return { signal, headers: new Headers(headers), timestamp, topic, partition, offset, idempotencyKey }
}

/**
 * An error of this library that a user's call ran into is not the engine's own: it must not abort or rejoin
 * anything.
 */
function asUserFailure(reason: unknown): unknown {
  if (!(reason instanceof StreamsError)) return reason
  return new StreamsError('ASYNC_CALL_FAILED', `an asynchronous call has failed: ${reason.message}`, {
    cause: reason,
  })
}
