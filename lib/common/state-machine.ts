import { AssertionError } from './assert.ts'

/**
 * A named state with a table of allowed transitions. A transition that is not in the table is a bug and
 * throws; moving to the present state again does nothing.
 */
export class StateMachine<S extends string> {
  readonly #transitions: { readonly [state in S]: readonly S[] }
  readonly #listeners = new Set<(state: S, previous: S) => void>()
  #state: S

  constructor(initial: S, transitions: { readonly [state in S]: readonly S[] }) {
    this.#state = initial
    this.#transitions = transitions
  }

  get state(): S {
    return this.#state
  }

  is(...states: readonly S[]): boolean {
    return states.includes(this.#state)
  }

  canMoveTo(next: S): boolean {
    return this.#transitions[this.#state].includes(next)
  }

  moveTo(next: S): void {
    if (next === this.#state) return
    if (!this.canMoveTo(next)) throw new AssertionError(`state ${this.#state} cannot become ${next}`)
    const previous = this.#state
    this.#state = next
    for (const listener of this.#listeners) listener(next, previous)
  }

  /** Returns a function that unsubscribes. */
  onChange(listener: (state: S, previous: S) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
