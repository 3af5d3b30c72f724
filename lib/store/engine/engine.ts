import type { WriteBatch } from './write-batch.ts'

/** What is written to an engine: a batch now and then, or, in a restore, one after the other. */
export type EngineLoad = 'steady' | 'bulk'

/** Bounds over the byte order of the keys; an absent bound is open. */
export interface EngineRange {
  readonly gte?: Uint8Array
  readonly lt?: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
  /** False: the values are not read, and what comes in their place is empty. Default true. */
  readonly values?: boolean
}

/**
 * An ordered map of bytes that holds what is committed, and nothing else. One engine serves all stores of a
 * task, so that one batch is atomic over all of them and over the changelog positions.
 */
export interface Engine {
  /** Whether the content outlives the process. */
  readonly persistent: boolean
  /** Synchronous: it stands in the record path. The result is the caller's. */
  get(key: Uint8Array): Uint8Array | undefined
  /** A consistent snapshot of the moment of the call, in key order. */
  entries(range: EngineRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  /**
   * All or nothing; what it resolves after is readable (in a memory engine: at the call, so that a
   * synchronous test driver can go on without waiting), and survives the end of the process where
   * `persistent`. Calls take effect in order. The batch is the engine's from then on.
   */
  write(batch: WriteBatch): Promise<void>
  /**
   * Prepares for a load; a new engine is prepared for the steady one. It changes what memory and time the
   * writes cost, never what is there. Until it resolves nothing may be read, and every iterator has to be at
   * its end.
   */
  prepareFor(load: EngineLoad): Promise<void>
  /** Removes everything in the range. */
  clear(range: EngineRange): Promise<void>
  close(): Promise<void>
}
