import type { SortedMap } from '../../common/sorted-map.ts'
import { sortedMap } from '../../common/sorted-map.ts'
import type { JoinSide } from './unmatched-key.ts'
import { sideOf } from './unmatched-key.ts'

type Tree = SortedMap<string, undefined>

/**
 * The ids of the records that wait, in order, a tree for each side: a window may close much later for one
 * side than for the other, and finding what has closed must not pass by all that has not.
 */
export class WaitingIds {
  readonly #left: Tree = sortedMap(compareText)
  readonly #right: Tree = sortedMap(compareText)

  get size(): number {
    return this.#left.size + this.#right.size
  }

  sizeOf(side: JoinSide): number {
    return this.#tree(side).size
  }

  has(id: string): boolean {
    return this.#tree(sideOf(id)).has(id)
  }

  add(id: string): void {
    this.#tree(sideOf(id)).set(id, undefined)
  }

  delete(id: string): void {
    this.#tree(sideOf(id)).delete(id)
  }

  first(side: JoinSide): string | undefined {
    return this.#tree(side).minKey()
  }

  /** The next id of that side. */
  after(side: JoinSide, id: string): string | undefined {
    return this.#tree(side).nextHigherKey(id)
  }

  /** The last id of both sides. */
  last(): string | undefined {
    return later(this.#left.maxKey(), this.#right.maxKey())
  }

  clear(): void {
    this.#left.clear()
    this.#right.clear()
  }

  #tree(side: JoinSide): Tree {
    return side === 'left' ? this.#left : this.#right
  }
}

export function earlier(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one < other ? one : other
}

export function later(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one > other ? one : other
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
