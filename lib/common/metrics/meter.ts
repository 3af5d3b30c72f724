/** A number that only grows. A class with a public field: the record path increments it without a call. */
export class Counter {
  value = 0

  add(amount = 1): void {
    this.value += amount
  }
}

/** A statistic over a sliding window of two samples, the default of Kafka Streams' `metrics.num.samples`. */
export interface Windowed {
  /** Begins a new sample, and forgets the older of the two. */
  roll(nowMs: number): void
}

/** A counter that also knows how fast it grows. */
export class Meter extends Counter implements Windowed {
  readonly #sampleMs: number
  /** Begin of the two samples, and the count at that time. */
  #olderMs: number
  #older = 0
  #newerMs: number
  #newer = 0

  constructor(nowMs: number, sampleMs: number) {
    super()
    this.#sampleMs = sampleMs
    this.#olderMs = this.#newerMs = nowMs
  }

  roll(nowMs: number): void {
    this.#olderMs = this.#newerMs
    this.#older = this.#newer
    this.#newerMs = nowMs
    this.#newer = this.value
  }

  /**
   * Growth per second, over the last one to two samples; during the first one as if it were over, as in Kafka
   * Streams: a start is no peak.
   */
  rate(nowMs: number): number {
    const elapsedMs = Math.max(nowMs - this.#olderMs, this.#sampleMs)
    return ((this.value - this.#older) * 1000) / elapsedMs
  }
}

/** Bounds of a histogram of milliseconds: a Prometheus `le` each. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000,
]

/** Counts of a histogram since it was made. */
export interface HistogramCounts {
  readonly bounds: readonly number[]
  /** Numbers of values up to each bound and above the one before; the last is for those above all bounds. */
  readonly counts: readonly number[]
  readonly sum: number
  readonly count: number
}

/**
 * The mean and the extremes of values over a sliding window, and their histogram over all time if bounds are
 * given.
 */
export class Distribution implements Windowed {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  /** The bucket of the last value, in which the next one mostly lies, too. */
  #bucket = 0
  #sum = 0
  #count = 0
  #max = -Infinity
  #min = Infinity
  #olderSum = 0
  #olderCount = 0
  #olderMax = -Infinity
  #olderMin = Infinity
  #sumBefore = 0
  #countBefore = 0

  constructor(bounds: readonly number[] = []) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  record(value: number): void {
    this.#sum += value
    this.#count += 1
    if (value > this.#max) this.#max = value
    if (value < this.#min) this.#min = value
    const bounds = this.#bounds
    let bucket = this.#bucket
    while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1
    while (bucket > 0 && value <= bounds[bucket - 1]!) bucket -= 1
    this.#bucket = bucket
    this.#counts[bucket]! += 1
  }

  roll(): void {
    this.#sumBefore += this.#olderSum
    this.#countBefore += this.#olderCount
    this.#olderSum = this.#sum
    this.#olderCount = this.#count
    this.#olderMax = this.#max
    this.#olderMin = this.#min
    this.#sum = 0
    this.#count = 0
    this.#max = -Infinity
    this.#min = Infinity
  }

  /** The mean; NaN where the window has no value, as in Kafka Streams, and so are the extremes. */
  get average(): number {
    return (this.#sum + this.#olderSum) / (this.#count + this.#olderCount)
  }

  get max(): number {
    return finite(Math.max(this.#max, this.#olderMax))
  }

  get min(): number {
    return finite(Math.min(this.#min, this.#olderMin))
  }

  get hasHistogram(): boolean {
    return this.#bounds.length > 0
  }

  histogram(): HistogramCounts {
    return {
      bounds: this.#bounds,
      counts: [...this.#counts],
      sum: this.#sumBefore + this.#olderSum + this.#sum,
      count: this.#countBefore + this.#olderCount + this.#count,
    }
  }
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : NaN
}
