import type { Clock } from '../common/clock.ts'
import type { Logger } from '../common/logger.ts'
import type { StalenessMonitor } from '../projection/staleness-monitor.ts'
import type { Serde } from '../serde/serde.ts'

/** How one store is shown. */
export interface HttpStoreOptions {
  /**
   * A standard serde (`string`, `int32`, `int64`, `bigint64`, `float64`, `bytes`, `json`) as whose values
   * keys are read from text, where the store's own serde is of another kind. It reads texts only: bytes stay
   * the affair of the store's serde.
   */
  readonly keySerde?: Serde<unknown> | undefined
  /**
   * Makes a key of the text in a path or query; wins over `keySerde`. What it throws is the message of a 400.
   */
  readonly parseKey?: ((text: string) => unknown) | undefined
  /**
   * Measures the store's staleness: every answer about it then says so, and `?atLeast` waits for a write.
   */
  readonly staleness?: StalenessMonitor | undefined
}

export interface HttpAppOptions {
  /**
   * The stores that are served, by their names, and how. Default: every store that can be read, by its own
   * key serde.
   */
  readonly stores?: { readonly [name: string]: HttpStoreOptions } | undefined
  /**
   * What `Authorization: Bearer …` must say, for everything but `/health`. Without one (undefined) only
   * requests over the loopback interface to a loopback name are answered, 403 otherwise; `false`: all are.
   */
  readonly token?: string | false | undefined
  /** Origins whose pages may read, or `*` for all. Default: none, there are no CORS headers. */
  readonly cors?: '*' | readonly string[] | undefined
  /** How long a request with `?atLeast` waits, milliseconds, before it is answered 503. Default 5,000. */
  readonly atLeastMs?: number | undefined
  /** Between comments that keep a silent `/changes` open, milliseconds. Default 15,000. */
  readonly heartbeatMs?: number | undefined
  /**
   * Bytes of events that wait for a client of `/changes` that reads slowly; with more it is told and let go
   * of. Default 1 MiB.
   */
  readonly changesBytesMax?: number | undefined
  readonly clock?: Clock | undefined
  /** Told of requests that fail through no fault of the client. Default: the console. */
  readonly logger?: Logger | undefined
}
