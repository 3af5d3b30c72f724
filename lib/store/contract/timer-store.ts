import type { StateStore } from './state-store.ts'

/** One timer a key, at a time of the wall clock, which may be years away. */
export interface Timers<K> {
  /**
   * Sets the key's timer, in the place of an earlier one. `atMs`: milliseconds since the epoch, a whole
   * number of 0 or more, up to the end of the year 9999; a past time fires at once. Throws `TypeError` for
   * another time, and for a key that is null.
   */
  set(key: K, atMs: number): void
  /** Removes the key's timer; returns whether there was one. */
  cancel(key: K): boolean
  /** Time at which the key's timer fires; undefined where it has none. */
  get(key: K): number | undefined
  /** Number of timers of this task. */
  readonly size: number
}

/**
 * Timers that survive the process: keys and times are state as in any other store, with a changelog, and part
 * of the task's transaction. They fire in the node that asks for them by `context.timers`; every node that
 * the store is connected to can set them.
 */
export interface TimerStore<K> extends StateStore, Timers<K> {}
