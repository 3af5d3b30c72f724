import { refusedPromise } from '../../common/promises.ts'
import type { Joiner } from '../options/functions.ts'

/** The callback's owner, for messages: made once a node. */
export interface CallbackOwner {
  /** The callback in words, as `the predicate of filter`. */
  readonly callback: string
  readonly node: string
}

/**
 * Checks the result of a callback: a promise would be stored as `{}`, or count as true. This is in the record
 * path, so objects get one look and everything else none. `whole`: the array or iterable that the result is
 * an element of. Throws `AsyncCallbackError`.
 */
export function synchronous<T>(result: T, owner: CallbackOwner, whole: unknown = result): T {
  if (typeof result !== 'object' || result === null) return result
  if (typeof (result as { then?: unknown }).then === 'function') throw refused(whole, owner)
  return result
}

/** A joiner whose results are checked: joins call it in several places. */
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
