import { fireTimes, type FireTimes, type ScheduleDefinition } from './next-fire.ts'

const GRACE_MS = 60_000
const CATCH_UP_MS = 3_600_000
const FIRINGS_MAX = 500
/** Number up to which times of a cron pattern are counted, one by one, in the turn of a loop: about 0.1 s. */
const COUNT_MAX = 1_000

export interface MissedOptions {
  /**
   * Treatment of times that are late by more than `graceMs`: none of them fires, one in place of all, or
   * each. Default `once`.
   */
  readonly onMissed?: 'skip' | 'once' | 'all'
  /** Lateness up to which a firing counts as on time. Default 60,000. */
  readonly graceMs?: number
  /** Lateness up to which a late time may fire. Default: an hour for `all`, without end for `once`. */
  readonly catchUpMs?: number
  /** How many firings are returned at once. Default 500. */
  readonly firingsMax?: number
}

export interface DueFire {
  /** The time that the schedule names, which may be long past. */
  readonly nominalMs: number
  /** Number of further times that the firing stands for; those of cron are counted up to 1,000. */
  readonly missed: number
}

export interface MissedFires {
  /** In order. */
  readonly firings: readonly DueFire[]
  /** How many times are past for which nothing fires; those of cron are counted up to 1,000. */
  readonly skipped: number
  /** Whether there are more than `firingsMax`: to be asked for with the last of these as `lastNominalMs`. */
  readonly hasMore: boolean
}

/**
 * The firings that are due now in a schedule that has last fired for `lastNominalMs`. The times after that,
 * up to now, are on time or late: those on time fire, and late ones as `onMissed` says.
 */
export function missedFires(
  definition: ScheduleDefinition | FireTimes,
  lastNominalMs: number,
  nowMs: number,
  options: MissedOptions = {},
): MissedFires {
  const { onMissed = 'once', graceMs = GRACE_MS, firingsMax = FIRINGS_MAX } = options
  const { catchUpMs = onMissed === 'once' ? Infinity : CATCH_UP_MS } = options
  const times = 'next' in definition ? definition : fireTimes(definition)
  /** The last instants that are late, and too late to be made up for. */
  const lateMs = Math.max(lastNominalMs, nowMs - graceMs - 1)
  const tooLateMs = onMissed === 'skip' ? lateMs : clamp(nowMs - catchUpMs - 1, lastNominalMs, lateMs)
  const firings: DueFire[] = []
  let skipped = 0
  if (onMissed === 'once') {
    const count = countOf(times, lastNominalMs, lateMs)
    const newestMs = newestOf(times, tooLateMs, lateMs)
    if (newestMs === undefined) skipped = count
    else firings.push({ nominalMs: newestMs, missed: count - 1 })
  } else skipped = countOf(times, lastNominalMs, tooLateMs)
  const fromMs = onMissed === 'all' ? tooLateMs : lateMs
  const hasMore = addEach(times, firings, { fromMs, nowMs, firingsMax })
  return { firings, skipped, hasMore }
}

/** Adds a firing for each time; returns whether there was no room for one. */
function addEach(
  times: FireTimes,
  firings: DueFire[],
  { fromMs, nowMs, firingsMax }: { fromMs: number; nowMs: number; firingsMax: number },
): boolean {
  let nominalMs = times.next(fromMs)
  while (nominalMs !== undefined && nominalMs <= nowMs) {
    if (firings.length >= firingsMax) return true
    firings.push({ nominalMs, missed: 0 })
    nominalMs = times.next(nominalMs)
  }
  return false
}

function countOf(times: FireTimes, afterMs: number, untilMs: number): number {
  if (afterMs >= untilMs) return 0
  if (times.countUntil) return times.countUntil(afterMs, untilMs)
  let count = 0
  let at = times.next(afterMs)
  while (at !== undefined && at <= untilMs && count < COUNT_MAX) {
    count += 1
    at = times.next(at)
  }
  return count
}

/** The last time after `afterMs`, up to `untilMs`: looked for in spans that double, from the end. */
function newestOf(times: FireTimes, afterMs: number, untilMs: number): number | undefined {
  for (let spanMs = 1_000; ; spanMs *= 2) {
    const fromMs = Math.max(afterMs, untilMs - spanMs)
    let newest: number | undefined
    for (let at = times.next(fromMs); at !== undefined && at <= untilMs; at = times.next(at)) newest = at
    if (newest !== undefined || fromMs === afterMs) return newest
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
