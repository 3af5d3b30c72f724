import type { Cron } from 'croner'
import { errorFrom } from '../../common/errors/errors.ts'
import { latePackage } from '../../common/late-package.ts'
import { neverFires } from './schedule-error.ts'
import { ZoneTimes } from './zone-times.ts'

const croner = latePackage<{ readonly Cron: typeof Cron }>('croner')

/** Time after an instant in which clocks that are set back are noticed: local times repeat then. */
const LOOK_AHEAD_MS = 3 * 3_600_000

export interface CronDefinition {
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  readonly cron: string
  /**
   * Time zone of the IANA database, as `Europe/Berlin`. There is no default: two machines may be in different
   * ones.
   */
  readonly timeZone: string
}

/**
 * Times at which a pattern fires in a time zone. Croner matches the pattern against local times; a local time
 * that clocks skip or repeat is decided here: skipped, it is the end of the gap; repeated, it is the first of
 * the two. A pattern of every hour (`*`) means hours that pass: it fires in both hours of that name, and not
 * for one that is skipped.
 */
export class CronTimes {
  readonly #pattern: Cron
  readonly #zone: ZoneTimes
  readonly #isHourly: boolean

  /** Throws `SCHEDULE_NEVER_FIRES`. */
  constructor(definition: CronDefinition) {
    this.#zone = zoneOf(definition)
    this.#pattern = patternOf(definition)
    this.#isHourly = definition.cron.trim().split(/\s+/)[1] === '*'
    if (this.#nextLocal(0) === undefined) throw neverFires(definition, 'no year has such a date')
  }

  /** The first time after that instant; undefined where the calendar ends. */
  next(afterMs: number): number | undefined {
    const localMs = this.#zone.localMs(afterMs)
    const next = this.#firstAfter(afterMs, localMs, Infinity)
    if (!this.#isHourly) return next
    const backMs = this.#zone.offsetMs(afterMs) - this.#zone.offsetMs(afterMs + LOOK_AHEAD_MS)
    const repeated = backMs > 0 ? this.#firstAfter(afterMs, localMs - backMs, localMs) : undefined
    return repeated !== undefined && (next === undefined || repeated < next) ? repeated : next
  }

  /** The first instant of a local time after `fromLocalMs` up to `toLocalMs`. */
  #firstAfter(afterMs: number, fromLocalMs: number, toLocalMs: number): number | undefined {
    let localMs = this.#nextLocal(fromLocalMs)
    while (localMs !== undefined && localMs <= toLocalMs) {
      const instantMs = this.#instants(localMs).find(each => each > afterMs)
      if (instantMs !== undefined) return instantMs
      localMs = this.#nextLocal(localMs)
    }
    return undefined
  }

  #instants(localMs: number): readonly number[] {
    const instants = this.#zone.instantsOf(localMs)
    if (this.#isHourly) return instants
    return instants.length === 0 ? [this.#zone.endOfGap(localMs)] : instants.slice(0, 1)
  }

  #nextLocal(localMs: number): number | undefined {
    return this.#pattern.nextRun(new Date(localMs))?.getTime()
  }
}

function zoneOf(definition: CronDefinition): ZoneTimes {
  const { timeZone } = definition
  try {
    if (typeof timeZone === 'string') return new ZoneTimes(timeZone)
  } catch {
    // The check below reports a missing zone.
  }
  throw neverFires(definition, `its timeZone is none of the IANA database, such as "Europe/Berlin"`)
}

function patternOf(definition: CronDefinition): Cron {
  const { Cron } = croner()
  const fields = definition.cron.trim().split(/\s+/)
  if (fields.length !== 5) {
    throw neverFires(
      definition,
      `its cron has ${fields.length} fields: it needs minute, hour, day of the month, month and day of the week`,
    )
  }
  try {
    return new Cron(fields.join(' '), { timezone: 'UTC', mode: '5-part', paused: true })
  } catch (error) {
    // Croner's number for a month is one less than the one given.
    throw neverFires(
      definition,
      errorFrom(error)
        .message.replace('CronPattern: ', '')
        .replace(/: \d+$/, ''),
    )
  }
}
