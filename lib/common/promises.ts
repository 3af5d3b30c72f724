import { isPromise as isNativePromise } from 'node:util/types'
import { AsyncCallbackError } from './errors/errors.ts'

/**
 * Whether this has to be awaited: any object with a `then`, for the clients of databases return their own
 * kinds.
 */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

export interface Refusal {
  /** Who gave the promise, with the verb: `the predicate of filter returned`. */
  readonly who: string
  /** What to do instead: follows a colon. */
  readonly advice: string
  readonly code?: AsyncCallbackError['code']
}

/** The error for what a synchronous callback returned: a promise, or an array with promises in it. */
export function refusedPromise(result: unknown, refusal: Refusal): AsyncCallbackError {
  silence(result)
  return new AsyncCallbackError(
    refusal.code ?? 'ASYNC_CALLBACK',
    `${refusal.who} a promise, and nothing here can wait for it: ${refusal.advice}`,
  )
}

/**
 * Nobody else will look at these promises: without this, their failures would end the process as unhandled
 * rejections. Other thenables are left alone, since some begin their work when `then` is called.
 */
export function silence(result: unknown): void {
  if (isNativePromise(result)) result.catch(() => undefined)
  else if (Array.isArray(result)) for (const element of result) silence(element)
}
