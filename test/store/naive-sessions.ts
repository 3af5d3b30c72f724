import { compareBytes, utf8 } from '../../lib/common/bytes.ts'

export type SessionRow = readonly [key: string, start: number, end: number, value: string]

/** A session store as a list: what the real one is compared with. */
export class NaiveSessions {
  readonly #retentionMs: number
  #rows: SessionRow[] = []
  #observedMs = -1

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs
  }

  put(row: SessionRow): void {
    this.remove(row)
    this.#rows.push(row)
    this.observe(Math.max(this.#observedMs, row[2]))
  }

  remove([key, start, end]: SessionRow): void {
    this.#rows = this.#rows.filter(row => row[0] !== key || row[1] !== start || row[2] !== end)
  }

  observe(observedMs: number): void {
    this.#observedMs = observedMs
    this.#rows = this.#rows.filter(([, , end]) => end > observedMs - this.#retentionMs)
  }

  /** By end, then key, then start. */
  rows(): readonly SessionRow[] {
    return this.#rows.toSorted(
      (left, right) =>
        left[2] - right[2] || compareBytes(utf8(left[0]), utf8(right[0])) || left[1] - right[1],
    )
  }

  copy(): NaiveSessions {
    const copy = new NaiveSessions(this.#retentionMs)
    copy.#rows = [...this.#rows]
    copy.#observedMs = this.#observedMs
    return copy
  }
}
