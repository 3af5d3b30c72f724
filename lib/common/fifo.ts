/**
 * A queue, first in, first out. Taking from the front of a long array would move all of it; this moves the
 * rest only now and then.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** From front to back. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items.slice(this.#head).values() as Iterator<T>
  }

  /** Removes those for which the test is true; returns them, in order. */
  takeWhere(test: (item: T) => boolean): T[] {
    const taken: T[] = []
    const left: T[] = []
    for (const item of this) (test(item) ? taken : left).push(item)
    if (taken.length === 0) return taken
    this.#items = left
    this.#head = 0
    return taken
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (this.size === 0) return undefined
    this.#items[this.#head] = undefined
    this.#head += 1
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
