/** A partition's queue, as far as memory for decompressed batches is concerned. */
export interface BatchHolder {
  readonly paused: boolean
  /** Of the batch that is open, decompressed. */
  readonly openBytes: number
  /** Lets go of the batch; it is decompressed again when the queue is read on. */
  closeBatch(): void
}

/**
 * Memory for decompressed batches, over all partitions of a fetcher: those that are open, and those whose
 * last records the poll under way hands out. A batch is opened when it fits; one that is larger than the
 * bound is opened when it is alone. Until the first that did not fit is open no other one is, so that its
 * turn comes.
 *
 * It cannot lock up: a batch that is open belongs to a partition that is being read, so it is soon read to
 * its end, or to one that is paused, and then it is closed.
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

  /** What was handed out before is the caller's. */
  beginPoll(): void {
    this.#handedOut = 0
  }

  /** The last records of a batch have been taken. */
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

  /** Whoever is not read any more waits for nothing. */
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
