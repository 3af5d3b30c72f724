import type { Isolation } from '../store/views/read-only-view.ts'

/** How a store is read from outside. */
export interface StoreQueryOptions {
  readonly isolation?: Isolation
  /**
   * One part of the store only, that of the task of this number (KIP-562); for a global store it changes
   * nothing. Default: all that this process has.
   */
  readonly partition?: number
}
