/** What a time is due of. */
export interface Due {
  readonly dueMs: number
  /** The order of those due at one time. */
  readonly sequence: number
}

/** Items by when they are due, the earliest first: a binary heap. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** The earliest; undefined where there is none. */
  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = items[above] as T
      if (!isBefore(item, parent)) break
      items[at] = parent
      at = above
    }
    items[at] = item
  }

  /** Removes the earliest. */
  takeFirst(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= items.length) break
      if (below + 1 < items.length && isBefore(items[below + 1] as T, items[below] as T)) below += 1
      const child = items[below] as T
      if (!isBefore(child, last)) break
      items[at] = child
      at = below
    }
    items[at] = last
    return first
  }

  /** Removes those for which the test is true; returns them in any order. */
  takeWhere(test: (item: T) => boolean): T[] {
    const taken: T[] = []
    const left: T[] = []
    for (const item of this.#items) (test(item) ? taken : left).push(item)
    if (taken.length === 0) return taken
    this.clear()
    for (const item of left) this.add(item)
    return taken
  }

  /** In no order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }

  clear(): void {
    this.#items.length = 0
  }
}

function isBefore(left: Due, right: Due): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.sequence < right.sequence)
}
