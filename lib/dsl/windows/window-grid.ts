import { UNLIMITED_END_MS } from '../../common/windowed.ts'
import type { TimeWindows } from './time-windows.ts'
import type { UnlimitedWindows } from './unlimited-windows.ts'

/**
 * Which windows a time lies in, where they begin at fixed times: arithmetic without a list, since it is asked
 * for every record.
 */
export class WindowGrid {
  /** `Infinity` for unlimited windows. */
  readonly sizeMs: number
  readonly advanceMs: number
  readonly graceMs: number
  readonly #originMs: number
  /** One window at a time. */
  readonly #isTumbling: boolean
  /** Where it begins for the last time that was asked for. */
  #lastStartMs = 0

  constructor(windows: TimeWindows | UnlimitedWindows) {
    const unlimited = windows.type === 'unlimited'
    this.sizeMs = unlimited ? Infinity : windows.sizeMs
    this.advanceMs = unlimited ? Infinity : windows.advanceMs
    this.graceMs = unlimited ? 0 : windows.graceMs
    this.#originMs = unlimited ? windows.startMs : 0
    this.#isTumbling = this.sizeMs === this.advanceMs
  }

  /** Start of the earliest window with that time; only where `count` is not 0. */
  firstStartMs(timeMs: number): number {
    if (this.sizeMs === Infinity) return this.#originMs
    if (this.#isTumbling) return this.#tumblingStartMs(timeMs)
    const earliest = Math.max(0, timeMs - (this.sizeMs - this.advanceMs))
    // The rest is exact where a quotient near 2^53 would be rounded.
    return earliest - (earliest % this.advanceMs)
  }

  /** How many windows that time lies in: at most size / advance, rounded up, whatever the time. */
  count(timeMs: number): number {
    if (timeMs < this.#originMs) return 0
    if (this.#isTumbling) return 1
    const last = timeMs - (timeMs % this.advanceMs)
    return (last - this.firstStartMs(timeMs)) / this.advanceMs + 1
  }

  /**
   * Most times lie in the window of the one before, which is sooner seen than the rest of a division is
   * taken.
   */
  #tumblingStartMs(timeMs: number): number {
    const sinceLastMs = timeMs - this.#lastStartMs
    if (sinceLastMs < 0 || sinceLastMs >= this.sizeMs) this.#lastStartMs = timeMs - (timeMs % this.sizeMs)
    return this.#lastStartMs
  }

  endMs(startMs: number): number {
    return this.sizeMs === Infinity ? UNLIMITED_END_MS : startMs + this.sizeMs
  }

  /** Whether two times lie in the same windows. */
  alike(oneMs: number, otherMs: number): boolean {
    const count = this.count(oneMs)
    return (
      count === this.count(otherMs) &&
      (count === 0 || this.firstStartMs(oneMs) === this.firstStartMs(otherMs))
    )
  }
}
