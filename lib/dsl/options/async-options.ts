import type { NamedOptions, SerdeOptions } from './options.ts'

/**
 * How an asynchronous operator calls. Its serdes are for the inputs that wait while the application commits;
 * if left out, those of the stream, else the application's defaults.
 */
export interface AsyncOptions<K, V> extends NamedOptions, SerdeOptions<K, V> {
  /**
   * Inputs of one task whose results have not been applied; with so many the task takes no further input. At
   * least 1; default 64.
   */
  readonly concurrency?: number
  /**
   * `key` (default): the calls of one key run one after the other. `none`: freely. In both, results are
   * applied in the order in which the inputs came, and calls of records without key run freely.
   */
  readonly order?: AsyncOrder
  /**
   * After so long a call has failed with `ASYNC_TIMEOUT`, whether or not it heeds its signal. Default 30,000;
   * Infinity: never.
   */
  readonly timeoutMs?: number
  /**
   * Where inputs wait. A name makes the changelog `<applicationId>-<storeName>-changelog`; otherwise it is
   * generated.
   */
  readonly pendingStore?: {
    readonly storeName?: string
    /** Topic settings of the changelog, or false for none: then inputs that wait are lost with the disk. */
    readonly logging?: false | { readonly config?: { readonly [name: string]: string } }
  }
}

export type AsyncOrder = 'key' | 'none'

export interface AsyncLimits {
  readonly concurrency: number
  readonly order: AsyncOrder
  readonly timeoutMs: number
}

/** Timers of the platform fire at once beyond this. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

/** The options with their defaults. Throws `TypeError` for what makes no sense. */
export function asyncLimits(options: Partial<AsyncLimits>): AsyncLimits {
  const { concurrency = 64, order = 'key', timeoutMs = 30_000 } = options
  if (!(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
    throw new TypeError(`concurrency is ${concurrency}: it must be a whole number of at least 1`)
  }
  if (order !== 'key' && order !== 'none') {
    throw new TypeError(`order is ${String(order)}: it must be 'key' or 'none'`)
  }
  if (!(timeoutMs === Infinity || (timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX))) {
    throw new TypeError(`timeoutMs is ${timeoutMs}: it must be 1 to ${TIMEOUT_MS_MAX}, or Infinity`)
  }
  return { concurrency, order, timeoutMs }
}
