import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { Headers, type Header } from '../../common/headers.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS, type Metrics } from '../../common/metrics/metrics.ts'
import type { AsyncCall } from '../options/async-functions.ts'
import type { CallSurroundings } from './call-surroundings.ts'
import type { Outcome, PendingCall } from './pending-call.ts'

/** Where and how an operator's calls are made. */
export interface AsyncCallsOptions<K, V, R> {
  /** Infinity: never. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly metrics: Metrics
  readonly tags: { readonly 'task-id': string; readonly node: string }
  /** What a call knows by itself about its record. */
  readonly surroundings: CallSurroundings
  /** User code. */
  readonly call: (input: PendingCall<K, V, R>, about: AsyncCall) => PromiseLike<R>
  /** The call has ended, and has its outcome. */
  readonly ended: (call: PendingCall<K, V, R>) => void
}

/** Makes calls, each with its signal and its bound of time, and tells when they have ended. */
export class AsyncCalls<K, V, R> {
  readonly #options: AsyncCallsOptions<K, V, R>
  readonly #calls: Counter
  readonly #failures: Counter
  readonly #timeouts: Counter

  constructor(options: AsyncCallsOptions<K, V, R>) {
    const { metrics, tags } = options
    this.#options = options
    this.#calls = metrics.counter('async-calls-total', tags, METRIC_GROUPS.own)
    this.#failures = metrics.counter('async-failures-total', tags, METRIC_GROUPS.own)
    this.#timeouts = metrics.counter('async-timeouts-total', tags, METRIC_GROUPS.own)
  }

  start(call: PendingCall<K, V, R>): void {
    const { timeoutMs, clock } = this.#options
    const controller = new AbortController()
    call.state = 'running'
    call.controller = controller
    this.#calls.add()
    if (timeoutMs !== Infinity) {
      call.timer = clock.schedule(timeoutMs, () => this.#timeOut(call), { keepsAlive: false })
    }
    // A callback that throws instead of rejecting has failed all the same; it must not end the record that
    // freed its place.
    new Promise<R>(resolve => resolve(this.#call(call, controller.signal))).then(
      result => this.#end(call, { result }),
      (reason: unknown) => this.#fail(call, asUserFailure(reason)),
    )
  }

  #call(call: PendingCall<K, V, R>, signal: AbortSignal): PromiseLike<R> {
    const { surroundings, call: make } = this.#options
    return surroundings.within(call, headers => make(call, describeCall(call, signal, headers)))
  }

  /** The task has gone: ends the calls that run; no result is used any more. */
  abandon(calls: Iterable<PendingCall<K, V, R>>): void {
    const reason = new StreamsError(
      'TASK_CLOSED',
      'the task that made this call has left this process or goes back to its last commit; the call is repeated if its result is still needed',
    )
    for (const call of calls) {
      const { controller, timer } = call
      call.state = 'ended'
      release(call)
      timer?.cancel()
      controller?.abort(reason)
    }
  }

  #timeOut(call: PendingCall<K, V, R>): void {
    const { timeoutMs } = this.#options
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
    this.#options.ended(call)
  }
}

function release(call: PendingCall): void {
  call.controller = undefined
  call.timer = undefined
}

function describeCall(call: PendingCall, signal: AbortSignal, headers: readonly Header[]): AsyncCall {
  const { topic, partition, offset, timestamp } = call.input.context
  const { idempotencyKey, attempt } = call
  return {
    signal,
    headers: new Headers(headers),
    timestamp,
    topic,
    partition,
    offset,
    idempotencyKey,
    attempt,
  }
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
