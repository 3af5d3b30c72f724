/** More imports than that are not between acceptance and their first appearance in the table. */
const ACCEPTANCES_MAX = 10_000

/**
 * Imports that this process has accepted and that may not have reached its table yet: whoever asks right
 * after the answer must not hear that there is no such import. Bounded: the oldest is forgotten.
 */
export class Acceptances {
  readonly #totals = new Map<string, number>()

  add(importId: string, total: number): void {
    this.#totals.set(importId, total)
    if (this.#totals.size <= ACCEPTANCES_MAX) return
    const [oldest] = this.#totals.keys()
    if (oldest !== undefined) this.#totals.delete(oldest)
  }

  totalOf(importId: string): number | undefined {
    return this.#totals.get(importId)
  }

  delete(importId: string): void {
    this.#totals.delete(importId)
  }
}
