import { expect } from 'vitest'

/** One call that a test ends by hand. */
export interface HeldCall<I, R> {
  readonly input: I
  readonly signal: AbortSignal
  resolve(result: R): void
  reject(reason: unknown): void
}

/** Asynchronous calls that end when the test says so, in the order it says. */
export class HeldCalls<I, R> {
  readonly all: HeldCall<I, R>[] = []

  /** What the operator's callback returns. */
  make(input: I, signal: AbortSignal): Promise<R> {
    return new Promise((resolve, reject) => {
      this.all.push({ input, signal, resolve, reject })
    })
  }

  /** The inputs of all calls so far. */
  get inputs(): I[] {
    return this.all.map(({ input }) => input)
  }

  at(index: number): HeldCall<I, R> {
    const call = this.all[index]
    expect(call, `call ${index}`).toBeDefined()
    return call!
  }
}
