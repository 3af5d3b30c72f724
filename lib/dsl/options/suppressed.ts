import type { Windowed } from '../../common/windowed.ts'
import { TopologyError } from '../../common/errors/errors.ts'

/**
 * Action of `suppress` when its buffer is full. `emit-early`: the oldest rows leave before their time.
 * `shut-down`: the record fails with `SUPPRESS_BUFFER_FULL`: unless `processingErrorHandler` says otherwise,
 * the application ends.
 */
export type WhenFull = 'emit-early' | 'shut-down'

/** Limits of a buffer, which is in memory, a task: at least one of the two. */
export interface SuppressBuffer<W extends WhenFull> {
  readonly recordsMax?: number
  /** Keys, values and headers, serialised, and some bytes for each row, as Kafka Streams counts. */
  readonly bytesMax?: number
  readonly whenFull: W
}

interface CommonOptions {
  /** Names the node; its store is `<name>-store`. */
  readonly name?: string
  /** Topic settings of the changelog, or false for none: then rows that wait are lost with the disk. */
  readonly logging?: false | { readonly config?: { readonly [name: string]: string } }
}

/** Final results are promised, so a full buffer cannot let them go early. */
export interface UntilWindowClosesOptions extends CommonOptions {
  readonly buffer: 'unbounded' | SuppressBuffer<'shut-down'>
}

export interface UntilTimeLimitOptions extends CommonOptions {
  readonly buffer: 'unbounded' | SuppressBuffer<WhenFull>
  /** How long a row waits after its first change, in stream time; later changes do not prolong it. */
  readonly timeLimitMs: number
}

/**
 * Settings of `suppress`, made by `untilWindowCloses` or `untilTimeLimit`. `K`: keys that they can be used
 * for.
 */
export interface Suppressed<in K> {
  readonly until: 'window-closes' | 'time-limit'
  readonly timeLimitMs: number | undefined
  readonly recordsMax: number
  readonly bytesMax: number
  readonly whenFull: WhenFull
  readonly name: string | undefined
  readonly logging: CommonOptions['logging']
  /** Always undefined; it ties the keys to the type. */
  readonly keys?: (key: K) => void
}

/**
 * Emits only the final result of each window: one record, when stream time is past the window's end and
 * grace. Deletions of windows that were never sent are not sent either.
 */
export function untilWindowCloses(options: UntilWindowClosesOptions): Suppressed<Windowed<unknown>> {
  return suppressed('window-closes', undefined, options)
}

/**
 * Emits at most one record a row and time limit, the last one. Throws `INVALID_SUPPRESSION` for a negative
 * limit.
 */
export function untilTimeLimit(options: UntilTimeLimitOptions): Suppressed<unknown> {
  const { timeLimitMs } = options
  if (!Number.isSafeInteger(timeLimitMs) || timeLimitMs < 0) {
    throw invalidSuppression(`timeLimitMs is ${timeLimitMs}: it must be a whole number of at least 0`)
  }
  return suppressed('time-limit', timeLimitMs, options)
}

function suppressed(
  until: Suppressed<unknown>['until'],
  timeLimitMs: number | undefined,
  { buffer, name, logging }: CommonOptions & { readonly buffer: 'unbounded' | SuppressBuffer<WhenFull> },
): Suppressed<unknown> {
  const limits = limitsOf(buffer)
  return Object.freeze({ until, timeLimitMs, ...limits, name, logging })
}

function limitsOf(
  buffer: 'unbounded' | SuppressBuffer<WhenFull>,
): Pick<Suppressed<unknown>, 'recordsMax' | 'bytesMax' | 'whenFull'> {
  if (buffer === 'unbounded') return { recordsMax: Infinity, bytesMax: Infinity, whenFull: 'shut-down' }
  const { recordsMax, bytesMax, whenFull } = buffer
  if (recordsMax === undefined && bytesMax === undefined) {
    throw invalidSuppression("the buffer has no limit: give recordsMax or bytesMax, or say 'unbounded'")
  }
  for (const [name, limit] of Object.entries({ recordsMax, bytesMax })) {
    if (limit === undefined || (Number.isSafeInteger(limit) && limit >= 0)) continue
    throw invalidSuppression(`${name} is ${limit}: it must be a whole number of at least 0`)
  }
  return { recordsMax: recordsMax ?? Infinity, bytesMax: bytesMax ?? Infinity, whenFull }
}

export function invalidSuppression(message: string): TopologyError {
  return new TopologyError('INVALID_SUPPRESSION', message)
}
