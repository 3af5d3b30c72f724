import type { Backoff } from '../../common/backoff.ts'
import { NonRetriableError, RetryAfterError } from '../../processor/retry-errors.ts'

/** What is done about a call that has failed. */
export type RetryDecision = 'retry' | 'dead-letter' | { readonly retryAfterMs: number }

/** A call that has failed, as `onError` is told of it. */
export interface FailedAttempt {
  /** Which it was, from 1. */
  readonly attempt: number
  /** When the first one failed, milliseconds since the epoch. */
  readonly firstFailedMs: number
  readonly idempotencyKey: string | undefined
}

/**
 * - `key`: a record whose call has failed is parked, and those of its key that come behind it wait for it;
 *   all others go on. Results leave in the order of the inputs of each key. Records without key wait for
 *   none.
 * - `none`: a record whose call has failed is parked alone; later ones of its key may overtake it.
 * - `partition`: one call at a time; a record whose call has failed holds up all that come behind it in the
 *   task, and they stay in their topic.
 */
export type RetryOrder = 'key' | 'none' | 'partition'

export interface CircuitOptions {
  /** So many records of the task that fail in a row are an outage. */
  readonly openAfter: number
  /**
   * During an outage one call is made each time so long has passed; it costs its record no attempt. The first
   * one that succeeds ends the outage.
   */
  readonly probeEveryMs: number
}

/** What an asynchronous operator does about calls that fail. */
export interface RetryOptions {
  /** Default `key`. */
  readonly order?: RetryOrder
  readonly backoff: Backoff
  /** How many calls are made in all. One of `attempts` and `giveUpAfterMs` must be given, and both may be. */
  readonly attempts?: number
  /** How long after the first failure the last call is made. */
  readonly giveUpAfterMs?: number
  /**
   * What an error means, asked on the synchronous path. Default: `NonRetriableError` is a dead letter,
   * `RetryAfterError` says when, and everything else is tried again.
   */
  readonly onError?: (error: unknown, failed: FailedAttempt) => RetryDecision
  /**
   * What is given up: `record`, the failed one alone (default); or, under order `key`, the `key`: the records
   * behind it go to the dead letters with it, and those that come later, until one of its letters is
   * replayed.
   */
  readonly onGiveUp?: 'record' | 'key'
  /** Default: none, and an outage costs attempts. */
  readonly circuit?: CircuitOptions
  /** Records of one task that may be parked, with those that wait behind them. Default 100,000. */
  readonly parkedMax?: number
  /** Bytes of them. With either reached the task takes no further input. Default 64 MiB. */
  readonly parkedBytesMax?: number
  /** Topic settings of the dead letters, `<applicationId>-<operator>-dlq`. Default: kept for 30 days. */
  readonly deadLetters?: { readonly config?: { readonly [name: string]: string } }
}

/** The options with their defaults. */
export interface RetryPolicy {
  readonly order: RetryOrder
  readonly backoff: Backoff
  readonly attempts: number
  readonly giveUpAfterMs: number
  readonly onGiveUp: 'record' | 'key'
  readonly circuit: CircuitOptions | undefined
  readonly parkedMax: number
  readonly parkedBytesMax: number
  readonly letterConfig: { readonly [name: string]: string }
  decide(error: unknown, failed: FailedAttempt): RetryDecision
}

const LETTERS_KEPT_MS = 30 * 24 * 3_600_000
const LETTER_BYTES_MAX = 16 * 1024 * 1024

/** Throws `TypeError` for what makes no sense. `logging`: of the changelog in which parked records wait. */
export function retryPolicy(
  options: RetryOptions,
  logging: false | { readonly config?: { readonly [name: string]: string } } | undefined,
): RetryPolicy {
  const { order = 'key', backoff, attempts, giveUpAfterMs, circuit, onError = byClass } = options
  const { onGiveUp = 'record' } = options
  const { parkedMax = 100_000, parkedBytesMax = 64 * 1024 * 1024 } = options
  if (order !== 'key' && order !== 'none' && order !== 'partition') {
    throw new TypeError(`retry.order is ${String(order)}: it must be 'key', 'none' or 'partition'`)
  }
  if (typeof (backoff as Backoff | undefined)?.delayMs !== 'function') {
    throw new TypeError(
      'retry.backoff is missing: give exponentialBackoff({ firstMs }) or fixedBackoff({ delayMs })',
    )
  }
  if (attempts === undefined && giveUpAfterMs === undefined) {
    throw new TypeError(
      'retry says neither attempts nor giveUpAfterMs: give one of them, so that what is hopeless ends',
    )
  }
  checkWhole('retry.attempts', attempts)
  checkWhole('retry.giveUpAfterMs', giveUpAfterMs)
  checkWhole('retry.parkedMax', parkedMax)
  checkWhole('retry.parkedBytesMax', parkedBytesMax)
  checkWhole('retry.circuit.openAfter', circuit?.openAfter)
  checkWhole('retry.circuit.probeEveryMs', circuit?.probeEveryMs)
  if (order === 'partition' && circuit && giveUpAfterMs === undefined) {
    throw new TypeError(
      "retry.circuit under order 'partition' needs giveUpAfterMs: one record at a time is called, and an outage costs it no attempts, so that nothing else would end its tries",
    )
  }
  if (onGiveUp !== 'record' && onGiveUp !== 'key') {
    throw new TypeError(`retry.onGiveUp is ${String(onGiveUp)}: it must be 'record' or 'key'`)
  }
  if (onGiveUp === 'key' && order !== 'key') {
    throw new TypeError(
      `retry.onGiveUp is 'key', and retry.order '${order}': only under order 'key' do records wait for those of their key`,
    )
  }
  checkKept(logging, { backoff, giveUpAfterMs })
  return {
    order,
    backoff,
    onGiveUp,
    attempts: attempts ?? Infinity,
    giveUpAfterMs: giveUpAfterMs ?? Infinity,
    circuit,
    parkedMax,
    parkedBytesMax,
    letterConfig: {
      'cleanup.policy': 'delete',
      'retention.ms': String(LETTERS_KEPT_MS),
      // A letter is larger than its record, by what has happened to it.
      'max.message.bytes': String(LETTER_BYTES_MAX),
      ...options.deadLetters?.config,
    },
    decide: (error, failed) => checkedDecision(onError(error, failed)),
  }
}

function byClass(error: unknown): RetryDecision {
  if (error instanceof NonRetriableError) return 'dead-letter'
  return error instanceof RetryAfterError ? { retryAfterMs: error.retryAfterMs } : 'retry'
}

function checkedDecision(decision: RetryDecision): RetryDecision {
  if (decision === 'retry' || decision === 'dead-letter') return decision
  if (typeof decision === 'object' && decision !== null && isDelay(decision.retryAfterMs)) return decision
  throw new TypeError(
    `retry.onError returned ${JSON.stringify(decision)}: it must return 'retry', 'dead-letter' or { retryAfterMs }`,
  )
}

function isDelay(ms: unknown): boolean {
  return Number.isFinite(ms) && (ms as number) >= 0
}

function checkWhole(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return
  throw new TypeError(`${name} is ${value}: it must be a whole number of at least 1`)
}

/** What is parked stands in a changelog, which must not forget it before its next try. */
function checkKept(
  logging: false | { readonly config?: { readonly [name: string]: string } } | undefined,
  { backoff, giveUpAfterMs }: { readonly backoff: Backoff; readonly giveUpAfterMs: number | undefined },
): void {
  if (logging === undefined || logging === false) return
  const { 'cleanup.policy': policy = 'compact', 'retention.ms': retention } = logging.config ?? {}
  if (!policy.includes('delete')) return
  const keptMs = retention === undefined ? 7 * 24 * 3_600_000 : Number(retention)
  const neededMs = Math.max(backoff.maxMs, giveUpAfterMs ?? 0)
  if (keptMs < 0 || keptMs > neededMs) return
  throw new TypeError(
    `pendingStore.logging deletes records after ${keptMs} ms (cleanup.policy ${policy}), and retry parks them for up to ${neededMs} ms: ` +
      'they would be lost. Leave cleanup.policy at compact, or raise retention.ms',
  )
}
