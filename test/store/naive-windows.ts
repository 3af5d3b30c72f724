import { compareBytes, utf8 } from '../../lib/common/bytes.ts'

export type Row = readonly [key: string, start: number, value: string]

/** A window store as a list: what the real one is compared with. */
export class NaiveWindows {
  readonly #retentionMs: number
  readonly #retainDuplicates: boolean
  /** Those that have ended included: a store that is rebuilt of less than was seen may have them again. */
  #rows: Row[] = []
  #observedMs = -1

  constructor(retentionMs: number, retainDuplicates: boolean) {
    this.#retentionMs = retentionMs
    this.#retainDuplicates = retainDuplicates
  }

  put(key: string, value: string | null, start: number): void {
    this.#observedMs = Math.max(this.#observedMs, start)
    if (!this.isLive(start)) return
    if (!this.#retainDuplicates) this.#rows = this.#rows.filter(([k, at]) => k !== key || at !== start)
    if (value !== null) this.#rows.push([key, start, value])
  }

  isLive(start: number): boolean {
    return start > this.#observedMs - this.#retentionMs
  }

  /** By start, then key; equal ones in the order of their arrival. */
  rows(): readonly Row[] {
    return this.#live().toSorted(
      ([leftKey, leftStart], [rightKey, rightStart]) =>
        leftStart - rightStart || compareBytes(utf8(leftKey), utf8(rightKey)),
    )
  }

  ofKey(key: string, fromMs: number, toMs: number): (readonly [number, string])[] {
    return this.rows()
      .filter(([k, at]) => k === key && at >= fromMs && at <= toMs)
      .map(([, at, value]) => [at, value])
  }

  /** What a changelog has after a commit: changes of what had ended by then are not sent to it. */
  committedOver(before: NaiveWindows): NaiveWindows {
    const committed = this.copy()
    committed.#rows = [...before.#rows.filter(([, at]) => !this.isLive(at)), ...this.#live()]
    return committed
  }

  /** Nothing later than this has been seen. */
  observeOnly(latestMs: number): void {
    this.#observedMs = latestMs
  }

  #live(): Row[] {
    return this.#rows.filter(([, at]) => this.isLive(at))
  }

  copy(): NaiveWindows {
    const copy = new NaiveWindows(this.#retentionMs, this.#retainDuplicates)
    copy.#rows = [...this.#rows]
    copy.#observedMs = this.#observedMs
    return copy
  }
}
