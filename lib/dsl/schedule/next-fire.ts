import { CronTimes, type CronDefinition } from './cron-times.ts'
import { LATEST_MS } from '../../common/timestamps.ts'
import { neverFires } from './schedule-error.ts'

export interface IntervalDefinition {
  /** At least 1. */
  readonly everyMs: number
  /**
   * Origin of the interval: it fires at `startMs + n × everyMs`, at `startMs` first. Default 0: multiples of
   * the interval.
   */
  readonly startMs?: number
}

export interface OnceDefinition {
  /** Milliseconds since the epoch, or a date with its zone: `2026-12-24T09:00:00Z`. */
  readonly at: number | string
}

/** When something is to happen: by a calendar, again and again, or once. */
export type ScheduleDefinition = CronDefinition | IntervalDefinition | OnceDefinition

/** The times of a schedule. */
export interface FireTimes {
  /** The first time after that instant; undefined where none comes. */
  next(afterMs: number): number | undefined
  /** How many times there are after `afterMs`, up to `untilMs`; undefined where they have to be counted. */
  countUntil?(afterMs: number, untilMs: number): number
}

/** Throws `SCHEDULE_NEVER_FIRES`, and `TypeError` for numbers that are none. */
export function fireTimes(definition: ScheduleDefinition): FireTimes {
  const times =
    'cron' in definition
      ? new CronTimes(definition)
      : 'everyMs' in definition
        ? new IntervalTimes(definition)
        : new OnceTime(definition)
  return withinCalendar(times)
}

/** The first time of a schedule after that instant; undefined where none comes. Throws as `fireTimes`. */
export function nextFire(definition: ScheduleDefinition, afterMs: number): number | undefined {
  return fireTimes(definition).next(afterMs)
}

class IntervalTimes implements FireTimes {
  readonly #everyMs: number
  readonly #startMs: number

  constructor({ everyMs, startMs = 0 }: IntervalDefinition) {
    if (!(Number.isSafeInteger(everyMs) && everyMs >= 1)) {
      throw new TypeError(`everyMs is ${everyMs}: it must be a whole number of at least 1`)
    }
    if (!isTime(startMs)) throw new TypeError(noTime('startMs', startMs))
    this.#everyMs = everyMs
    this.#startMs = startMs
  }

  next(afterMs: number): number {
    return this.#startMs + this.#countTo(afterMs) * this.#everyMs
  }

  countUntil(afterMs: number, untilMs: number): number {
    return Math.max(0, this.#countTo(untilMs) - this.#countTo(afterMs))
  }

  /** Number of times up to that instant. */
  #countTo(untilMs: number): number {
    return Math.max(0, Math.floor((untilMs - this.#startMs) / this.#everyMs) + 1)
  }
}

class OnceTime implements FireTimes {
  readonly #atMs: number

  constructor(definition: OnceDefinition) {
    const { at } = definition
    if (typeof at === 'string') this.#atMs = parsed(definition, at)
    else if (isTime(at)) this.#atMs = at
    else throw new TypeError(noTime('at', at))
  }

  next(afterMs: number): number | undefined {
    return this.#atMs > afterMs ? this.#atMs : undefined
  }
}

/** Parses a date with its zone. Without the zone it would be another instant on each machine. */
function parsed(definition: OnceDefinition, at: string): number {
  const atMs = /[T ]\d.*(Z|[+-]\d\d:?\d\d)$/i.test(at) ? Date.parse(at) : NaN
  if (isTime(atMs)) return atMs
  throw neverFires(definition, 'its date is none with a time and a zone, such as "2026-12-24T09:00:00Z"')
}

function withinCalendar(times: FireTimes): FireTimes {
  const next = (afterMs: number): number | undefined => {
    const atMs = times.next(afterMs)
    return atMs !== undefined && atMs <= LATEST_MS ? atMs : undefined
  }
  const countUntil = times.countUntil?.bind(times)
  return countUntil ? { next, countUntil } : { next }
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LATEST_MS
}

function noTime(setting: string, value: unknown): string {
  return `${setting} is ${String(value)}: it must be a whole number of milliseconds since the epoch, up to the year 9999`
}
