import type { Isolation } from '../store/views/read-only-view.ts'

/** Options of reading a store from outside. */
export interface StoreQueryOptions {
  readonly isolation?: Isolation
  /**
   * Number of the task whose part of the store is read (KIP-562); ignored for a global store. Default: all
   * parts that this process has.
   */
  readonly partition?: number
}
