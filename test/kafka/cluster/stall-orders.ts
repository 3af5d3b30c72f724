import type { CommitStep } from '../../../lib/runtime/thread/commit.ts'

/** What a process is to do with itself: a line of JSON on its standard input. */
export interface StallOrder {
  /**
   * `block`: a busy loop for so long; `stop`: SIGSTOP, until whoever gave the order continues it; `tell`:
   * nothing.
   */
  readonly act: 'block' | 'stop' | 'tell'
  readonly ms: number
  /** When a commit has done this next. Undefined: at once. */
  readonly step?: CommitStep
}

/**
 * Orders that a process has got; one at a time, a later one in place of one that still waits for its step.
 */
export class StallOrders {
  readonly #say: (step: CommitStep | undefined) => void
  #waiting: StallOrder | undefined

  /** `say` is called, and must have spoken when it returns, before an order is carried out. */
  constructor(say: (step: CommitStep | undefined) => void) {
    this.#say = say
  }

  take(line: string): void {
    const order = JSON.parse(line) as StallOrder
    this.#waiting = order
    if (order.step === undefined) this.#carryOut(order)
  }

  readonly probe = (step: CommitStep): void => {
    if (this.#waiting?.step === step) this.#carryOut(this.#waiting)
  }

  #carryOut({ act, ms, step }: StallOrder): void {
    this.#waiting = undefined
    // Writing to a pipe is synchronous: it is heard before the silence.
    this.#say(step)
    if (act === 'stop') process.kill(process.pid, 'SIGSTOP')
    const endMs = performance.now() + ms
    while (act === 'block' && performance.now() < endMs);
  }
}
