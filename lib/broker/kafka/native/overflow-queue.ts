import type { Clock, Timer } from '../../../common/clock.ts'
import type { OutgoingRecord } from '../../broker.ts'

const RETRY_MS = 2

/**
 * Records that did not fit into the native queue, in order. It has no limit of its own: a caller that checks
 * `writable` before each input record leaves at most that record's outputs here.
 */
export class OverflowQueue {
  readonly #clock: Clock
  readonly #offer: (record: OutgoingRecord) => boolean
  #records: OutgoingRecord[] = []
  #timer: Timer | undefined
  #waiting: (() => void)[] = []

  /** `offer` returns whether the native queue has taken the record. */
  constructor(clock: Clock, offer: (record: OutgoingRecord) => boolean) {
    this.#clock = clock
    this.#offer = offer
  }

  get empty(): boolean {
    return this.#records.length === 0
  }

  add(record: OutgoingRecord): void {
    this.#records.push(record)
    this.#timer ??= this.#clock.schedule(RETRY_MS, () => this.#retry())
  }

  async emptied(): Promise<void> {
    if (this.empty) return
    await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  clear(): void {
    this.#records = []
    this.#timer?.cancel()
    this.#settle()
  }

  #retry(): void {
    let taken = 0
    for (const record of this.#records) {
      if (!this.#offer(record)) break
      taken += 1
    }
    this.#records = taken === 0 ? this.#records : this.#records.slice(taken)
    if (this.empty) this.#settle()
    else this.#timer = this.#clock.schedule(RETRY_MS, () => this.#retry())
  }

  #settle(): void {
    this.#timer = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
