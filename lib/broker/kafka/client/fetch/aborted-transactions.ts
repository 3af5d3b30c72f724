import type { AbortedTransaction } from './fetch-response.ts'

/**
 * Which transactional batches of one fetch were aborted. The broker lists every aborted transaction that
 * touches what it returned, by producer and first offset; the marker that ends each lies among the records,
 * or in a later fetch, whose own list then names the transaction again. One producer may be listed several
 * times: its transactions do not overlap, and the marker of one comes before the first record of the next.
 */
export class AbortedTransactions {
  /** By first offset. */
  readonly #listed: readonly AbortedTransaction[]
  #next = 0
  readonly #open = new Set<number>()

  constructor(listed: readonly AbortedTransaction[]) {
    this.#listed = [...listed].sort((left, right) => left.firstOffset - right.firstOffset)
  }

  /** To be called with the last offset of each batch of a producer, in order, before the other two. */
  reached(lastOffset: number): void {
    for (; this.#next < this.#listed.length; this.#next += 1) {
      const { producerId, firstOffset } = this.#listed[this.#next]!
      if (firstOffset > lastOffset) return
      this.#open.add(producerId)
    }
  }

  isAborted(producerId: number): boolean {
    return this.#open.has(producerId)
  }

  /** The producer's abort marker was read: what it writes from here on is another transaction. */
  ended(producerId: number): void {
    this.#open.delete(producerId)
  }
}
