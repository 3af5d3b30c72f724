import type { ValueState } from '../format/value-state.ts'
import type { KeyList } from './time-bucket.ts'
import type { TimedKey } from './timed-entry.ts'

/** Times and serialised keys, both included. */
export interface SnapshotBounds {
  readonly fromTime: number
  readonly toTime: number
  readonly lowId?: string | undefined
  readonly highId?: string | undefined
  readonly reverse: boolean
}

/** A place at the moment of the snapshot; `state` is what it held, where that has changed since. */
export interface SnapshotSlot {
  readonly key: TimedKey
  readonly time: number
  readonly suffix: number
  readonly state: ValueState | undefined
}

interface Part {
  readonly time: number
  readonly list: KeyList
}

/**
 * The entries of a moment by time, then key, then suffix. It takes only the lists of keys; slots that change
 * before the iteration reaches them are saved here first, new ones as absent.
 */
export class TimeSnapshot {
  readonly #parts: readonly Part[]
  readonly #bounds: SnapshotBounds
  readonly #onEnd: (ended: TimeSnapshot) => void
  readonly #saved = new Map<TimedKey, Map<number, Map<number, ValueState>>>()
  #passedTime: number | undefined
  #open = true

  constructor(parts: readonly Part[], bounds: SnapshotBounds, onEnd: (ended: TimeSnapshot) => void) {
    this.#parts = parts
    this.#bounds = bounds
    this.#onEnd = onEnd
  }

  save(key: TimedKey, time: number, suffix: number, state: ValueState): void {
    if (!this.#isAhead(time) || this.#isOutside(key.id)) return
    let times = this.#saved.get(key)
    if (times === undefined) this.#saved.set(key, (times = new Map()))
    let suffixes = times.get(time)
    if (suffixes === undefined) times.set(time, (suffixes = new Map()))
    if (!suffixes.has(suffix)) suffixes.set(suffix, state.copyState())
  }

  /**
   * Iterates over the slots. The snapshot ends with the iteration, or when it is collected, where the
   * iteration was dropped half-way.
   */
  *slots(): Generator<SnapshotSlot> {
    const { reverse } = this.#bounds
    try {
      for (const { time, list } of this.#parts) {
        const keys = this.#within(list.sorted())
        let before: TimedKey | undefined
        for (let i = 0; i < keys.length && this.#open; i += 1) {
          const key = keys[reverse ? keys.length - 1 - i : i]!
          if (key !== before) yield* this.#at(key, time)
          before = key
        }
        this.#passedTime = time
      }
    } finally {
      this.close()
    }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#saved.clear()
    this.#onEnd(this)
  }

  *#at(key: TimedKey, time: number): Generator<SnapshotSlot> {
    const suffixes = new Set(this.#saved.get(key)?.get(time)?.keys())
    for (let i = key.firstFrom(time); key.at(i)?.time === time; i += 1) suffixes.add(key.at(i)!.suffix)
    const sign = this.#bounds.reverse ? -1 : 1
    for (const suffix of [...suffixes].sort((left, right) => sign * (left - right))) {
      yield { key, time, suffix, state: this.#saved.get(key)?.get(time)?.get(suffix) }
    }
    this.#saved.get(key)?.delete(time)
  }

  #within(keys: readonly TimedKey[]): readonly TimedKey[] {
    const { lowId, highId } = this.#bounds
    if (lowId === undefined && highId === undefined) return keys
    const from = lowId === undefined ? 0 : firstIndex(keys, id => id >= lowId)
    const to = highId === undefined ? keys.length : firstIndex(keys, id => id > highId)
    return keys.slice(from, to)
  }

  #isAhead(time: number): boolean {
    const { fromTime, toTime, reverse } = this.#bounds
    if (time < fromTime || time > toTime) return false
    if (this.#passedTime === undefined) return true
    return reverse ? time < this.#passedTime : time > this.#passedTime
  }

  #isOutside(id: string): boolean {
    const { lowId, highId } = this.#bounds
    return (lowId !== undefined && id < lowId) || (highId !== undefined && id > highId)
  }
}

function firstIndex(keys: readonly TimedKey[], holds: (id: string) => boolean): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(keys[middle]!.id)) high = middle
    else low = middle + 1
  }
  return low
}
