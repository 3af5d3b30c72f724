import type { WriteBatch } from './write-batch.ts'

/** The load of an engine: a batch now and then, or, in a restore, one after the other. */
export type EngineLoad = 'steady' | 'bulk'

/** Bounds over the byte order of the keys; an absent bound is open. */
export interface EngineRange {
  readonly gte?: Uint8Array
  readonly lt?: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
  /** Whether values are read; with false, empty ones come in their place. Default true. */
  readonly values?: boolean
}

/**
 * An ordered map of bytes with committed content only. One engine serves all stores of a task, so that one
 * batch is atomic over all of them and over the changelog positions.
 */
export interface Engine {
  /** Whether the content outlives the process. */
  readonly persistent: boolean
  /** The value of a key; synchronous, since it stands in the record path. The result is the caller's. */
  get(key: Uint8Array): Uint8Array | undefined
  /** Entries in key order, as a consistent snapshot of the moment of the call. */
  entries(range: EngineRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  /**
   * Writes a batch, all or nothing. When it resolves, the batch is readable (in a memory engine at the call,
   * so that a synchronous test driver can go on without waiting), and survives the end of the process where
   * `persistent`. Calls take effect in order. The batch belongs to the engine from the call on.
   */
  write(batch: WriteBatch): Promise<void>
  /**
   * Prepares for a load; a new engine is prepared for the steady one. This changes what memory and time the
   * writes cost, never the content. Until it resolves nothing may be read, and every iterator has to be at
   * its end.
   */
  prepareFor(load: EngineLoad): Promise<void>
  /** Removes everything in the range. */
  clear(range: EngineRange): Promise<void>
  close(): Promise<void>
}
