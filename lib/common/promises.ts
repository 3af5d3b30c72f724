import { isPromise as isNativePromise } from 'node:util/types'
import { AsyncCallbackError } from './errors/errors.ts'

/**
 * Whether the value has to be awaited: any object with a `then`, since clients of databases return their own
 * kinds.
 */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

export interface Refusal {
  /** The callback that returned the promise, with the verb: `the predicate of filter returned`. */
  readonly who: string
  /** Advice that follows a colon. */
  readonly advice: string
  readonly code?: AsyncCallbackError['code']
}

/** The error for the result of a synchronous callback: a promise, or an array with promises in it. */
export function refusedPromise(result: unknown, refusal: Refusal): AsyncCallbackError {
  silence(result)
  return new AsyncCallbackError(
    refusal.code ?? 'ASYNC_CALLBACK',
    `${refusal.who} a promise, and nothing here can wait for it: ${refusal.advice}`,
  )
}

/**
 * Handles failures of refused promises, which would end the process as unhandled rejections. Other thenables
 * are left alone, since some begin their work when `then` is called.
 */
export function silence(result: unknown): void {
  if (isNativePromise(result)) result.catch(() => undefined)
  else if (Array.isArray(result)) for (const element of result) silence(element)
}
