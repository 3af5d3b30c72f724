import { StreamsError } from '../../common/errors/errors.ts'

interface Waiter {
  /** Offsets that are not reached yet, by partition key. */
  readonly ends: Map<string, number>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Offsets up to which the records of some partitions are applied, by partition key, and who waits for them.
 * There are as many waiters as calls under way.
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

  /** Ends the waits that are over, after a round of `set`. */
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
