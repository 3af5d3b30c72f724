import type { SchedulePolicy } from '../../store/operator/schedule-state.ts'
import { fireTimes, type FireTimes, type ScheduleDefinition } from './next-fire.ts'

export interface SchedulePolicyOptions {
  /**
   * What becomes of times that passed while the application did not run, or that are late by more than
   * `graceMs`: none of them fires, one fires in the place of all (default), or each does.
   */
  readonly onMissed?: 'once' | 'skip' | 'all' | undefined
  /** Lateness up to which a firing counts as on time. Default 60,000. */
  readonly graceMs?: number | undefined
  /** Lateness up to which a late time may fire. Default: an hour for `all`, without end for `once`. */
  readonly catchUpMs?: number | undefined
  /**
   * Delays each firing by up to so many milliseconds, the same for the same firing whenever it is computed.
   * Default 0.
   */
  readonly jitterMs?: number | undefined
}

export type ScheduleOptions = ScheduleDefinition &
  SchedulePolicyOptions & {
    /**
     * `application`: each time fires once, in one task. `partition`: in every task of the sub-topology, each
     * firing with an id of its own. Default `application`.
     */
    readonly per?: 'application' | 'partition' | undefined
  }

/** What a schedule sends to the operators below it. */
export interface Firing {
  /** The same for the same time of the schedule, however often it is processed. */
  readonly fireId: string
  /** The time that the schedule names, which may be long past. */
  readonly nominalMs: number
  /** How many further times it stands for; those of cron are counted up to 1,000. */
  readonly missed: number
}

const GRACE_MS = 60_000
const WAYS = ['once', 'skip', 'all']
const KINDS = ['cron', 'everyMs', 'at'] as const

/** Throws `TypeError` for settings that are none. */
export function schedulePolicy(options: SchedulePolicyOptions): SchedulePolicy {
  const { onMissed = 'once', graceMs = GRACE_MS, catchUpMs, jitterMs = 0 } = options
  if (!WAYS.includes(onMissed)) {
    throw new TypeError(`onMissed is ${JSON.stringify(onMissed)}: it must be "once", "skip" or "all"`)
  }
  const given = { graceMs, jitterMs, ...(catchUpMs !== undefined && { catchUpMs }) }
  for (const [name, ms] of Object.entries(given)) {
    if (Number.isSafeInteger(ms) && ms >= 0) continue
    throw new TypeError(`${name} is ${String(ms)}: it must be a whole number of milliseconds, at least 0`)
  }
  return { onMissed, ...given }
}

/**
 * The times of a schedule as text, by which it is known whether they have changed. Throws
 * `SCHEDULE_NEVER_FIRES`, and `TypeError` where there is not exactly one of `cron`, `everyMs` and `at`.
 */
export function definitionText(options: ScheduleDefinition): string {
  const given = options as unknown as { readonly [name: string]: unknown }
  const kinds = KINDS.filter(kind => given[kind] !== undefined)
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? 'none of them' : kinds.join(' and ')
    throw new TypeError(`a schedule needs one of cron, everyMs and at, and this one has ${found}`)
  }
  const names = { cron: ['cron', 'timeZone'], everyMs: ['everyMs', 'startMs'], at: ['at'] }[kinds[0] ?? 'at']
  const definition = Object.fromEntries(
    names.flatMap(name => (given[name] === undefined ? [] : [[name, given[name]]])),
  )
  fireTimes(definition as unknown as ScheduleDefinition)
  return JSON.stringify(definition)
}

export function parseDefinition(text: string): ScheduleDefinition {
  return JSON.parse(text) as ScheduleDefinition
}

/** Patterns whose times are kept, since each takes a look at the calendar to be made. */
const KEPT_MAX = 1_000

/** The times of many schedules, of which most have the pattern of another. */
export class KnownTimes {
  readonly #byText = new Map<string, FireTimes>()

  of(text: string): FireTimes {
    const known = this.#byText.get(text)
    if (known) return known
    const times = fireTimes(parseDefinition(text))
    if (this.#byText.size >= KEPT_MAX) this.#byText.clear()
    this.#byText.set(text, times)
    return times
  }
}
