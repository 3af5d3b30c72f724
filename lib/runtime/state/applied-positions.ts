import { StreamsError } from '../../common/errors/errors.ts'

interface Waiter {
  /** By partition key, what is not reached yet. */
  readonly ends: Map<string, number>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * How far the records of some partitions are applied, by partition key, and who waits for them to be. As many
 * waiters as there are calls under way.
 */
export class AppliedPositions {
  readonly #positions = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()
  #isClosed = false

  get(key: string): number | undefined {
    return this.#positions.get(key)
  }

  set(key: string, offset: number): void {
    this.#positions.set(key, offset)
  }

  /** After a round of `set`: tells those whose wait is over. */
  tell(): void {
    for (const waiter of this.#waiters) {
      this.#strikeReached(waiter.ends)
      if (waiter.ends.size > 0) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  /** Resolves when everything before these offsets is applied; rejects with `CLOSED`. */
  async reached(offsets: ReadonlyMap<string, number>): Promise<void> {
    if (this.#isClosed) throw closed()
    const ends = new Map(offsets)
    this.#strikeReached(ends)
    if (ends.size === 0) return
    await new Promise<void>((resolve, reject) => this.#waiters.add({ ends, resolve, reject }))
  }

  close(): void {
    this.#isClosed = true
    for (const waiter of this.#waiters) waiter.reject(closed())
    this.#waiters.clear()
  }

  #strikeReached(ends: Map<string, number>): void {
    for (const [key, end] of ends) if ((this.#positions.get(key) ?? 0) >= end) ends.delete(key)
  }
}

function closed(): StreamsError {
  return new StreamsError('CLOSED', 'the application was closed before its global store had caught up')
}
