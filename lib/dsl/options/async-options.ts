import type { NamedOptions, SerdeOptions } from './options.ts'
import type { RetryOptions } from './retry-options.ts'

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
   * applied in the order in which the inputs came, and calls of records without key run freely. With `retry`
   * it is `retry.order` that says.
   */
  readonly order?: AsyncOrder
  /**
   * After so long a call has failed with `ASYNC_TIMEOUT`, whether or not it heeds its signal. Default 30,000;
   * Infinity: never.
   */
  readonly timeoutMs?: number
  /**
   * What is done about calls that fail: parked and tried again, for days if need be, and dead letters for
   * what is hopeless. Default: none; a call that fails is an error of its record, and
   * `processingErrorHandler` decides.
   */
  readonly retry?: RetryOptions
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

/** The options with their defaults. Throws `TypeError` for what makes no sense. */
export function asyncLimits(options: Partial<AsyncLimits>): AsyncLimits {
  const { concurrency = 64, order = 'key', timeoutMs = 30_000 } = options
  if (!(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
    throw new TypeError(`concurrency is ${concurrency}: it must be a whole number of at least 1`)
  }
  if (order !== 'key' && order !== 'none') {
    throw new TypeError(`order is ${String(order)}: it must be 'key' or 'none'`)
  }
  if (!(timeoutMs >= 1)) {
    throw new TypeError(`timeoutMs is ${timeoutMs}: it must be at least 1 (Infinity: never)`)
  }
  return { concurrency, order, timeoutMs }
}
