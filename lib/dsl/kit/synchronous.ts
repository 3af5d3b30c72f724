import { refusedPromise } from '../../common/promises.ts'
import type { Joiner } from '../options/functions.ts'

/** Whose callback it is, for messages: made once a node. */
export interface CallbackOwner {
  /** `the predicate of filter`. */
  readonly callback: string
  readonly node: string
}

/**
 * What a callback returned, looked at: a promise would be stored as `{}`, or count as true. This is in the
 * record path, so objects get one look and everything else none. `whole`: what the result is an element of.
 * Throws `AsyncCallbackError`.
 */
export function synchronous<T>(result: T, owner: CallbackOwner, whole: unknown = result): T {
  if (typeof result !== 'object' || result === null) return result
  if (typeof (result as { then?: unknown }).then === 'function') throw refused(whole, owner)
  return result
}

/** A joiner whose results are looked at: joins call it in several places. */
export function synchronousJoiner<K, L, R, J>(
  joiner: Joiner<K, L, R, J>,
  owner: CallbackOwner,
): Joiner<K, L, R, J> {
  return (left, right, key) => synchronous(joiner(left, right, key), owner)
}

function refused(result: unknown, { callback, node }: CallbackOwner): Error {
  return refusedPromise(result, {
    who: `${callback} (node "${node}") returned`,
    advice:
      'put what takes time into mapValuesAsync, flatMapValuesAsync or processAsync, before or after this node ' +
      '(for a table, between toStream() and toTable())',
  })
}
