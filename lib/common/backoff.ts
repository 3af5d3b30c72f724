/** Delays before repeated attempts. */
export interface Backoff {
  /**
   * Whole milliseconds to wait. `attempt`: the number of attempts that have failed, from 1. `id`: the
   * record's.
   */
  delayMs(attempt: number, id: string): number
  /** The longest delay. */
  readonly maxMs: number
}

export interface ExponentialBackoffOptions {
  /** Delay after the first failure. */
  readonly firstMs: number
  /** Factor from one delay to the next. Default 2. */
  readonly factor?: number
  /** Longest delay. Default one hour. */
  readonly maxMs?: number
  /**
   * Share of a delay that chance may take away, so that many that failed at once are not due at once. Default
   * 0.2.
   */
  readonly jitter?: number
}

const HOUR_MS = 3_600_000

/**
 * Delays that grow by a factor up to a bound. Chance depends on the record's id and the number of the
 * attempt: a test, or another process, sees the same times.
 */
export function exponentialBackoff(options: ExponentialBackoffOptions): Backoff {
  const { firstMs, factor = 2, maxMs = Math.max(HOUR_MS, firstMs), jitter = 0.2 } = options
  checkMs('firstMs', firstMs)
  checkMs('maxMs', maxMs)
  checkJitter(jitter)
  if (!(factor >= 1 && factor < Infinity)) {
    throw new TypeError(
      `factor is ${factor}: a delay must not be shorter than the one before, so it must be at least 1`,
    )
  }
  if (firstMs > maxMs) throw new TypeError(`firstMs is ${firstMs}, above maxMs, which is ${maxMs}`)
  return {
    maxMs,
    delayMs: (attempt, id) =>
      jittered(Math.min(maxMs, firstMs * factor ** (attempt - 1)), jitter, attempt, id),
  }
}

export interface FixedBackoffOptions {
  readonly delayMs: number
  /** Share of a delay that chance may take away, as in `exponentialBackoff`. Default 0. */
  readonly jitter?: number
}

/** The same delay after every failure. */
export function fixedBackoff({ delayMs, jitter = 0 }: FixedBackoffOptions): Backoff {
  checkMs('delayMs', delayMs)
  checkJitter(jitter)
  return { maxMs: delayMs, delayMs: (attempt, id) => jittered(delayMs, jitter, attempt, id) }
}

function jittered(delayMs: number, jitter: number, attempt: number, id: string): number {
  return Math.round(delayMs * (1 - jitter * chance(`${id}#${attempt}`)))
}

/** A number from 0 to 1, the same for the same text: FNV-1a, mixed. */
function chance(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

function checkMs(name: string, ms: number): void {
  if (Number.isSafeInteger(ms) && ms >= 1) return
  throw new TypeError(`${name} is ${ms}: it must be a whole number of milliseconds, at least 1`)
}

function checkJitter(jitter: number): void {
  if (jitter >= 0 && jitter <= 1) return
  throw new TypeError(`jitter is ${jitter}: it is the share of a delay that chance may take away, 0 to 1`)
}
