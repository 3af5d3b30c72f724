import { sortedMap } from '../../common/sorted-map.ts'

export interface StoredTimer {
  /** The serialised key, as `bytesToMapKey` makes it. */
  readonly id: string
  readonly dueMs: number
  /** Whether the engine, or a commit under way, has a timer of this key. */
  isWritten: boolean
}

/** Timers by key, and in the order in which they fire: by time, then by the bytes of the key. */
export class TimerIndex<T extends StoredTimer = StoredTimer> {
  readonly #byId = new Map<string, T>()
  readonly #inOrder = sortedMap<T, undefined>(compareTimers)

  get size(): number {
    return this.#byId.size
  }

  /** The timer that fires next; undefined where there is none. */
  get first(): T | undefined {
    return this.#inOrder.minKey()
  }

  get(id: string): T | undefined {
    return this.#byId.get(id)
  }

  /** Sets a timer, in the place of an earlier one of its key. */
  set(timer: T): void {
    this.delete(timer.id)
    this.#byId.set(timer.id, timer)
    this.#inOrder.set(timer, undefined)
  }

  delete(id: string): void {
    const timer = this.#byId.get(id)
    if (!timer) return
    this.#byId.delete(id)
    this.#inOrder.delete(timer)
  }

  values(): IterableIterator<T> {
    return this.#byId.values()
  }

  clear(): void {
    this.#byId.clear()
    this.#inOrder.clear()
  }
}

function compareTimers(left: StoredTimer, right: StoredTimer): number {
  if (left.dueMs !== right.dueMs) return left.dueMs - right.dueMs
  if (left.id === right.id) return 0
  return left.id < right.id ? -1 : 1
}
