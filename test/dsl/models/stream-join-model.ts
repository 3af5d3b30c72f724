import type { JoinWindows } from '../../../lib/dsl/windows/join-windows.ts'

export type Side = 'left' | 'right'

export interface Arrival {
  readonly side: Side
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export type Joined = readonly [key: string | null, value: string, timestamp: number]

interface Kept {
  readonly key: string
  readonly value: string
  readonly timestamp: number
}

interface Waiting extends Kept {
  readonly side: Side
}

/**
 * A join of two streams as an array and a loop would do it: what has arrived on each side, and in arrival
 * order who finds whom. Results are `left+right`.
 */
export class StreamJoinModel {
  readonly results: Joined[] = []
  dropped = 0
  readonly #windows: JoinWindows
  readonly #outer: { readonly [side in Side]: boolean }
  readonly #kept: { readonly [side in Side]: Kept[] } = { left: [], right: [] }
  readonly #observed = { left: -1, right: -1 }
  #waiting: Waiting[] = []
  #streamTime = -1
  #lookFrom = Infinity

  constructor(windows: JoinWindows, kind: 'inner' | 'left' | 'outer') {
    this.#windows = windows
    this.#outer = { left: kind !== 'inner', right: kind === 'outer' }
  }

  arrive(arrival: Arrival): void {
    this.#join(arrival)
    const { side, key, value, timestamp } = arrival
    if (key === null) return
    this.#observed[side] = Math.max(this.#observed[side], timestamp)
    // A store counts what it is too late for even where it has nothing to keep.
    if (!this.#isKept(side, timestamp)) this.dropped += 1
    else if (value !== null) this.#kept[side].push({ key, value, timestamp })
  }

  #join({ side, key, value, timestamp }: Arrival): void {
    this.#streamTime = Math.max(this.#streamTime, timestamp)
    if (key === null && value !== null && this.#outer[side])
      return this.#emit(side, key, value, null, timestamp)
    if (key === null || value === null) {
      this.dropped += 1
      return
    }
    if (timestamp === this.#streamTime) this.#emitClosed(side)
    const other = side === 'left' ? 'right' : 'left'
    const matches = this.#kept[other]
      .filter(kept => kept.key === key && this.#isKept(other, kept.timestamp))
      .filter(kept => this.#isWithin(side, timestamp, kept.timestamp))
      .sort((one, two) => one.timestamp - two.timestamp)
    for (const match of matches) {
      this.#waiting = this.#waiting.filter(
        ({ side, key, timestamp }) => side !== other || key !== match.key || timestamp !== match.timestamp,
      )
      this.#emit(side, key, value, match.value, Math.max(timestamp, match.timestamp))
    }
    if (matches.length > 0 || !this.#outer[side]) return
    if (Math.max(0, timestamp + this.#after(side)) < this.#streamTime) {
      return this.#emit(side, key, value, null, timestamp)
    }
    this.#waiting.push({ side, key, value, timestamp })
    this.#lookFrom = Math.min(this.#lookFrom, timestamp)
  }

  /**
   * All that waits, from the earliest on; only those that follow an open one of both sides are not looked at.
   */
  #emitClosed(arriving: Side): void {
    if (this.#streamTime - this.#lookFrom <= this.#after(arriving) + this.#windows.graceMs) return
    this.#lookFrom = Infinity
    const open = new Set<Side>()
    for (const waiting of [...this.#waiting].sort(inOrder)) {
      const { side, key, value, timestamp } = waiting
      this.#lookFrom = timestamp
      if (open.size === 2) break
      if (this.#streamTime - timestamp <= this.#after(side) + this.#windows.graceMs) {
        open.add(side)
        continue
      }
      this.#emit(side, key, value, null, timestamp)
      this.#waiting = this.#waiting.filter(other => other !== waiting)
    }
  }

  #emit(side: Side, key: string | null, own: string, other: string | null, timestamp: number): void {
    this.results.push([key, side === 'left' ? `${own}+${other}` : `${other}+${own}`, timestamp])
  }

  #isWithin(side: Side, own: number, other: number): boolean {
    // As in Kafka Streams, a window that lies before time 0 still has time 0 in it.
    const from = Math.max(0, own - this.#after(side === 'left' ? 'right' : 'left'))
    return other >= from && other <= Math.max(0, own + this.#after(side))
  }

  #after(side: Side): number {
    return side === 'left' ? this.#windows.afterMs : this.#windows.beforeMs
  }

  #isKept(side: Side, timestamp: number): boolean {
    const { beforeMs, afterMs, graceMs } = this.#windows
    return this.#observed[side] - timestamp < beforeMs + afterMs + graceMs
  }
}

/** By time, the right side first, then key; several of these in order of arrival. */
function inOrder(one: Waiting, two: Waiting): number {
  if (one.timestamp !== two.timestamp) return one.timestamp - two.timestamp
  if (one.side !== two.side) return one.side === 'right' ? -1 : 1
  return one.key < two.key ? -1 : one.key > two.key ? 1 : 0
}
