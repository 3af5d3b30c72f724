import { present } from '../../common/assert.ts'
import { Fifo } from '../../common/fifo.ts'
import type { PendingCall } from '../calls/pending-call.ts'

/**
 * Which calls run, and which is applied next. All stand in the order of their arrival, in which they leave;
 * at most `concurrency` run at a time, and of one lane at most one. The task's back-pressure bounds it:
 * `concurrency` calls, and what one input makes beyond them.
 */
export class CallQueue<K, V, R> {
  readonly #concurrency: number
  readonly #start: (call: PendingCall<K, V, R>) => void
  readonly #order = new Fifo<PendingCall<K, V, R>>()
  /** Calls that only wait for another to end. */
  readonly #waiting = new Fifo<PendingCall<K, V, R>>()
  /** The last call of each lane that has not ended. */
  readonly #lanes = new Map<string, PendingCall<K, V, R>>()
  #running = 0

  constructor(concurrency: number, start: (call: PendingCall<K, V, R>) => void) {
    this.#concurrency = concurrency
    this.#start = start
  }

  get size(): number {
    return this.#order.size
  }

  get running(): number {
    return this.#running
  }

  get hasRoom(): boolean {
    return this.#order.size < this.#concurrency
  }

  get oldest(): PendingCall<K, V, R> | undefined {
    return this.#order.peek()
  }

  add(call: PendingCall<K, V, R>): void {
    this.#order.push(call)
    if (call.lane !== undefined) {
      const before = this.#lanes.get(call.lane)
      this.#lanes.set(call.lane, call)
      if (before) {
        before.successor = call
        return
      }
    }
    this.#waiting.push(call)
    this.#startWaiting()
  }

  /** The call has ended: others may start. */
  ended(call: PendingCall<K, V, R>): void {
    this.#running -= 1
    if (call.lane !== undefined) {
      if (call.successor) this.#waiting.push(call.successor)
      else this.#lanes.delete(call.lane)
      call.successor = undefined
    }
    this.#startWaiting()
  }

  /** Only while there is one. */
  takeOldest(): PendingCall<K, V, R> {
    return present(this.#order.shift(), 'oldest call')
  }

  /** Forgets all; the caller ends those that run. */
  clear(): PendingCall<K, V, R>[] {
    const calls: PendingCall<K, V, R>[] = []
    while (this.#order.size > 0) calls.push(this.takeOldest())
    while (this.#waiting.size > 0) this.#waiting.shift()
    this.#lanes.clear()
    this.#running = 0
    return calls
  }

  #startWaiting(): void {
    while (this.#running < this.#concurrency) {
      const call = this.#waiting.shift()
      if (!call) return
      this.#running += 1
      this.#start(call)
    }
  }
}
