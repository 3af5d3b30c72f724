import type { OutgoingBatch } from './outgoing-batch.ts'

interface Waiter {
  /** The number of the last batch that is waited for. */
  readonly upTo: number
  resolve(): void
  reject(error: Error): void
}

/** Batches that are neither acknowledged nor given up, and the callers that wait for them. */
export class Unacknowledged {
  readonly #bytesMax: number
  /** Batches in the order of their numbers, apart from the parts of split ones. */
  readonly #batches = new Set<OutgoingBatch>()
  #bytes = 0
  #flushing: Waiter[] = []
  #draining: (() => void)[] = []

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get hasRoom(): boolean {
    return this.#bytes <= this.#bytesMax
  }

  grown(bytes: number): void {
    this.#bytes += bytes
  }

  add(batch: OutgoingBatch): void {
    this.#batches.add(batch)
  }

  /** Removes a batch that is acknowledged or given up. `bytes` is the sum that `grown` was told of it. */
  remove(batch: OutgoingBatch, bytes: number): void {
    this.#batches.delete(batch)
    this.#bytes -= bytes
    if (this.hasRoom && this.#draining.length > 0) for (const resolve of this.#draining.splice(0)) resolve()
    if (this.#flushing.length > 0) this.#settle()
  }

  /** Resolves when the batches up to this number are acknowledged or given up. */
  over(upTo: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#flushing.push({ upTo, resolve, reject })
      this.#settle()
    })
  }

  drained(): Promise<void> {
    return new Promise(resolve => {
      if (this.hasRoom) resolve()
      else this.#draining.push(resolve)
    })
  }

  close(error: Error): void {
    for (const resolve of this.#draining.splice(0)) resolve()
    for (const { reject } of this.#flushing.splice(0)) reject(error)
  }

  #settle(): void {
    let oldest = Infinity
    for (const { number } of this.#batches) oldest = Math.min(oldest, number)
    const over = this.#flushing.filter(({ upTo }) => upTo < oldest)
    if (over.length === 0) return
    this.#flushing = this.#flushing.filter(({ upTo }) => upTo >= oldest)
    for (const { resolve } of over) resolve()
  }
}
