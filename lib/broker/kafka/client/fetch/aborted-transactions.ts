import type { AbortedTransaction } from './fetch-response.ts'

/**
 * Which transactional batches of one fetch were aborted. The broker lists the aborted transactions that
 * overlap the fetch, by producer and first offset. The marker that ends a transaction is among the records,
 * or in a later fetch, which lists the transaction again. A producer may be listed several times: the marker
 * of one transaction comes before the first record of its next.
 */
export class AbortedTransactions {
  /** Sorted by first offset. */
  readonly #listed: readonly AbortedTransaction[]
  #next = 0
  readonly #open = new Set<number>()

  constructor(listed: readonly AbortedTransaction[]) {
    this.#listed = [...listed].sort((left, right) => left.firstOffset - right.firstOffset)
  }

  /** To be called for each batch of a producer, in order, before the batch is asked about. */
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

  /** To be called with each abort marker: later batches of the producer belong to another transaction. */
  ended(producerId: number): void {
    this.#open.delete(producerId)
  }
}
