import { UNLIMITED_END_MS } from '../../common/windowed.ts'
import type { TimeWindows } from './time-windows.ts'
import type { UnlimitedWindows } from './unlimited-windows.ts'

/**
 * The windows of a time, where they begin at fixed times: computed without a list, since each record asks for
 * them.
 */
export class WindowGrid {
  /** Size of a window; `Infinity` for unlimited ones. */
  readonly sizeMs: number
  readonly advanceMs: number
  readonly graceMs: number
  readonly #originMs: number
  /** Whether windows follow each other without overlap. */
  readonly #isTumbling: boolean
  /** Start of the window of the time last asked for. */
  #lastStartMs = 0

  constructor(windows: TimeWindows | UnlimitedWindows) {
    const unlimited = windows.type === 'unlimited'
    this.sizeMs = unlimited ? Infinity : windows.sizeMs
    this.advanceMs = unlimited ? Infinity : windows.advanceMs
    this.graceMs = unlimited ? 0 : windows.graceMs
    this.#originMs = unlimited ? windows.startMs : 0
    this.#isTumbling = this.sizeMs === this.advanceMs
  }

  /** Start of the earliest window with that time; only called where `count` is not 0. */
  firstStartMs(timeMs: number): number {
    if (this.sizeMs === Infinity) return this.#originMs
    if (this.#isTumbling) return this.#tumblingStartMs(timeMs)
    const earliest = Math.max(0, timeMs - (this.sizeMs - this.advanceMs))
    // The rest is exact where a quotient near 2^53 would be rounded.
    return earliest - (earliest % this.advanceMs)
  }

  /** Number of windows with that time: at most size / advance, rounded up. */
  count(timeMs: number): number {
    if (timeMs < this.#originMs) return 0
    if (this.#isTumbling) return 1
    const last = timeMs - (timeMs % this.advanceMs)
    return (last - this.firstStartMs(timeMs)) / this.advanceMs + 1
  }

  /**
   * Start of the window of a time. Most times lie in the window of the one before, and seeing that is faster
   * than a division.
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
