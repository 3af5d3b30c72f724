import type { StateStore } from './state-store.ts'

/** One timer a key, at a time of the wall clock, which may be years away. */
export interface Timers<K> {
  /**
   * Takes the place of the key's timer. `atMs`: milliseconds since the epoch, a whole number of 0 or more, up
   * to the end of the year 9999; what is past fires at once. Throws `TypeError` for another time, and for a
   * key that is null.
   */
  set(key: K, atMs: number): void
  /** Returns whether the key had a timer. */
  cancel(key: K): boolean
  /** When the key's timer fires; undefined where it has none. */
  get(key: K): number | undefined
  /** How many timers this task has. */
  readonly size: number
}

/**
 * Timers that survive the process: the keys and their times are state as that of any other store, with a
 * changelog, and part of the task's transaction. They fire in the node that asks for them by
 * `context.timers`; every node that the store is connected to can set them.
 */
export interface TimerStore<K> extends StateStore, Timers<K> {}
