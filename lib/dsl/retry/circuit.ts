import type { Clock } from '../../common/clock.ts'
import type { CircuitOptions } from '../options/retry-options.ts'

/**
 * Tells an outage from failures of single records: so many of them in a row have failed. During one, calls
 * are made one at a time, and cost no attempts. Kept by each task, in memory: a task that begins anew finds
 * out by its first calls.
 */
export class Circuit {
  readonly #options: CircuitOptions | undefined
  /** Numbers of the records that have failed since the last success. */
  readonly #inARow = new Set<number>()
  #nextProbeMs = 0
  #isProbing = false

  constructor(options: CircuitOptions | undefined) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#options !== undefined && this.#inARow.size >= this.#options.openAfter
  }

  /** When the next call may be made: 0 at once, Infinity while one is under way that tells. */
  get nextCallMs(): number {
    if (!this.isOpen) return 0
    return this.#isProbing ? Infinity : this.#nextProbeMs
  }

  /** Whether a call may be made now. */
  allows(clock: Pick<Clock, 'nowMs'>): boolean {
    return !this.isOpen || this.nextCallMs <= clock.nowMs()
  }

  /** A call begins. Whether it is one that only asks if the outage is over. */
  called(): boolean {
    if (!this.isOpen) return false
    this.#isProbing = true
    return true
  }

  /** A call has ended well, or with an error of its record alone. */
  succeeded(): void {
    // After nearly every call: most find nothing to clear.
    if (this.#inARow.size > 0) this.#inARow.clear()
    this.#isProbing = false
  }

  /** A call has ended that says nothing about whoever is called. */
  passed(isProbe: boolean): void {
    if (isProbe) this.#isProbing = false
  }

  /** A call has failed, and is to be tried again. */
  failed(
    { sequence, isProbe }: { readonly sequence: number; readonly isProbe: boolean },
    nowMs: number,
  ): void {
    const wasOpen = this.isOpen
    if (!wasOpen && this.#options) this.#inARow.add(sequence)
    if (isProbe) this.#isProbing = false
    if (this.isOpen && (isProbe || !wasOpen)) this.#nextProbeMs = nowMs + (this.#options?.probeEveryMs ?? 0)
  }
}
