/** Offsets `from` (inclusive) to `to` (exclusive). */
export interface OffsetRange {
  readonly from: number
  to: number
}

/**
 * Which records of one partition belong to open transactions, and which to aborted ones. Ranges, not records:
 * an append of a producer is one range, and appends that follow each other are one range again.
 */
export class TransactionIndex {
  readonly #open = new Map<number, OffsetRange[]>()
  /** By rising offset, without overlap, since every offset has one producer. */
  readonly #aborted: OffsetRange[] = []

  add(producerId: number, from: number, to: number): void {
    const ranges = this.#open.get(producerId)
    const last = ranges?.at(-1)
    if (last?.to === from) last.to = to
    else if (ranges) ranges.push({ from, to })
    else this.#open.set(producerId, [{ from, to }])
  }

  rangesOf(producerId: number): readonly OffsetRange[] {
    return this.#open.get(producerId) ?? []
  }

  /** Ends the producer's transaction here and returns the ranges that became invisible. */
  end(producerId: number, outcome: 'commit' | 'abort'): readonly OffsetRange[] {
    const ranges = this.rangesOf(producerId)
    this.#open.delete(producerId)
    if (outcome === 'commit') return []
    for (const range of ranges) this.addAborted(range)
    return ranges
  }

  addAborted(range: OffsetRange): void {
    this.#aborted.splice(this.#firstAbortedBehind(range.from), 0, range)
  }

  /** What holds the last stable offset back: the first offset of the oldest open transaction. */
  firstOpenOffset(): number | undefined {
    let first: number | undefined
    for (const [range] of this.#open.values()) {
      if (range && (first === undefined || range.from < first)) first = range.from
    }
    return first
  }

  hasAborted(from: number, to: number): boolean {
    const range = this.#aborted[this.#firstAbortedBehind(from)]
    return range !== undefined && range.from < to
  }

  isAborted(offset: number): boolean {
    return this.hasAborted(offset, offset + 1)
  }

  /** Drops the aborted ranges that lie whole before the offset, and returns them. */
  forgetBefore(offset: number): readonly OffsetRange[] {
    const count = this.#firstAbortedBehind(offset)
    return this.#aborted.splice(0, count)
  }

  abortedRanges(): readonly OffsetRange[] {
    return this.#aborted
  }

  /** Index of the first aborted range that ends behind the offset. */
  #firstAbortedBehind(offset: number): number {
    let low = 0
    let high = this.#aborted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#aborted[middle] as OffsetRange).to <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
