/** A partition's queue, as the owner of a decompressed batch. */
export interface BatchHolder {
  readonly paused: boolean
  /** Memory of its open batch, if that was decompressed. */
  readonly openBytes: number
  /** Frees the open batch, which is decompressed again when the queue is read on. */
  closeBatch(): void
}

/**
 * The limit of memory for decompressed batches, over all partitions of a fetcher: for open batches, and for
 * those whose last records the current poll returns. A batch is opened when it fits, or when it is the only
 * one. After one that did not fit, no other batch is opened before it, so that it is not starved.
 *
 * There is no deadlock: an open batch of a partition that is read comes to its end, and that of a paused
 * partition is closed.
 */
export class DecodeBudget {
  readonly #bytesMax: number
  readonly #holders: () => Iterable<BatchHolder>
  #handedOut = 0
  #waiting: BatchHolder | undefined

  constructor(bytesMax: number, holders: () => Iterable<BatchHolder>) {
    this.#bytesMax = bytesMax
    this.#holders = holders
  }

  /** Begins a poll: the records of the last one are the caller's, and no longer counted. */
  beginPoll(): void {
    this.#handedOut = 0
  }

  /** To be called when the last records of a batch were taken. */
  handedOut(bytes: number): void {
    this.#handedOut += bytes
  }

  /** Whether a batch of so many bytes may be opened for the holder now. */
  mayOpen(holder: BatchHolder, bytes: number): boolean {
    const isFirst = this.#waiting === undefined || this.#waiting === holder || this.#waiting.paused
    if (isFirst && this.#hasRoom(bytes)) {
      this.#waiting = undefined
      return true
    }
    if (isFirst) this.#waiting = holder
    return false
  }

  /** Removes a holder that will not be read any more. */
  forget(holder: BatchHolder): void {
    if (this.#waiting === holder) this.#waiting = undefined
  }

  #hasRoom(bytes: number): boolean {
    if (this.#fits(bytes)) return true
    for (const holder of this.#holders()) if (holder.paused) holder.closeBatch()
    return this.#fits(bytes)
  }

  #fits(bytes: number): boolean {
    let held = this.#handedOut
    for (const { openBytes } of this.#holders()) held += openBytes
    return held === 0 || held + bytes <= this.#bytesMax
  }
}
