const HOUR_MS = 3_600_000
/** Offsets beyond those of all zones, behind UTC and ahead of it. */
const BEHIND_MAX_MS = 13 * HOUR_MS
const AHEAD_MAX_MS = 15 * HOUR_MS

/**
 * The wall clocks of a time zone. A local time is written as the instant at which a clock in UTC shows it.
 * Throws `RangeError` for a zone that is not known.
 */
export class ZoneTimes {
  readonly #format: Intl.DateTimeFormat

  constructor(timeZone: string) {
    const numeric = 'numeric'
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    })
  }

  /** Offset of the zone's clocks from UTC at an instant; positive where they are ahead. */
  offsetMs(instantMs: number): number {
    const wholeMs = Math.floor(instantMs / 1_000) * 1_000
    const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = this.#format
      .format(wholeMs)
      .split(/\D+/)
      .map(Number)
    return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs
  }

  localMs(instantMs: number): number {
    return instantMs + this.offsetMs(instantMs)
  }

  /** The instants of a local time, earliest first: none where clocks skip it, two where they repeat it. */
  instantsOf(localMs: number): number[] {
    const offsets = new Set([this.offsetMs(localMs - AHEAD_MAX_MS), this.offsetMs(localMs + BEHIND_MAX_MS)])
    const instants = [...offsets].map(offsetMs => localMs - offsetMs)
    return instants.filter(instantMs => this.localMs(instantMs) === localMs).sort(ascending)
  }

  /** The first instant after a gap, of a local time that clocks skip. */
  endOfGap(localMs: number): number {
    let [before, after] = [localMs - AHEAD_MAX_MS, localMs + BEHIND_MAX_MS]
    const offsetMs = this.offsetMs(before)
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (this.offsetMs(middle) === offsetMs) before = middle
      else after = middle
    }
    return after
  }
}

function ascending(left: number, right: number): number {
  return left - right
}
