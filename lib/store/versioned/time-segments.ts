import { Buffer } from 'node:buffer'
import { bytesToMapKey } from '../../common/bytes.ts'
import { writeInt64 } from '../../common/int64.ts'

/** A span of time of a fixed length, by its number from 0 on. */
export interface TimeSegment {
  readonly id: number
  /** The number as eight characters, a character for a byte: in the order of the numbers. */
  readonly text: string
}

/**
 * The segments that have rows, in order. A jump of time costs nothing, however far it goes, since empty
 * segments are not gone through.
 */
export class TimeSegments {
  readonly #intervalMs: number
  #segments: TimeSegment[] = []

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  idAt(timeMs: number): number {
    return Math.floor(timeMs / this.#intervalMs)
  }

  get size(): number {
    return this.#segments.length
  }

  /** A segment by age: 0 is the oldest. */
  at(index: number): TimeSegment {
    return this.#segments[index]!
  }

  get oldestId(): number | undefined {
    return this.#segments[0]?.id
  }

  /** Adds a segment if it is new; returns it, and whether it is new. */
  enter(id: number): { readonly segment: TimeSegment; readonly isNew: boolean } {
    const index = this.#firstNotBelow(id)
    const known = this.#segments[index]
    if (known?.id === id) return { segment: known, isNew: false }
    const segment = { id, text: segmentText(id) }
    this.#segments.splice(index, 0, segment)
    return { segment, isNew: true }
  }

  dropBelow(id: number): void {
    if (this.#segments.length === 0 || this.#segments[0]!.id >= id) return
    this.#segments = this.#segments.slice(this.#firstNotBelow(id))
  }

  #firstNotBelow(id: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#segments[middle]!.id < id) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * A segment's number as text. Numbers below zero sort after all others; they occur as bounds only, where
 * nothing is below them.
 */
export function segmentText(id: number): string {
  const bytes = Buffer.allocUnsafe(8)
  writeInt64(bytes, 0, Math.max(0, id))
  return bytesToMapKey(bytes)
}
