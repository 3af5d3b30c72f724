import { assert } from '../../common/assert.ts'
import { Fifo } from '../../common/fifo.ts'
import { DueHeap, type Due } from './due-heap.ts'

/** Where an item is. Only the first of a lane is ever called. */
export type ItemState = 'behind' | 'ready' | 'running' | 'ended' | 'parked' | 'held' | 'gone'

/** What waits for a call, or for the next one. */
export interface QueuedItem extends Due {
  /** Items of one lane are called one after the other, in the order in which they came. */
  readonly lane: string | undefined
  place: ItemState
  /** While parked. */
  dueMs: number
  readonly byteLength: number
}

/**
 * Which item is called next, and which waits: for its time, or behind another of its lane. Nothing here looks
 * at a clock, a store or a call.
 *
 * *behind* → *ready* → *running* → *ended* → done, or → *parked* → *ready* …
 *
 * What is ready or parked may be *held*: from there it is released, or leaves without a call, as what is
 * behind others may.
 */
export class RetryQueue<T extends QueuedItem> {
  readonly #ready = new Fifo<T>()
  readonly #ended = new Fifo<T>()
  readonly #parked = new DueHeap<T>()
  /** Items of each lane behind the one that is ready, running, ended or parked; most lanes have none. */
  readonly #held = new Set<T>()
  readonly #lanes = new Map<string, Fifo<T> | undefined>()
  #running = 0
  #behind = 0
  #waitingBytes = 0
  #readyBytes = 0

  /** Items that are, or could be, called now, and those whose calls have ended. */
  get active(): number {
    return this.#ready.size + this.#running + this.#ended.size
  }

  /** Items that wait for their time or are held, and those behind one. */
  get waiting(): number {
    return this.#parked.size + this.#held.size + this.#behind
  }

  /** Whether an item could be called now. */
  get hasReady(): boolean {
    return this.#ready.size > 0
  }

  get ready(): number {
    return this.#ready.size
  }

  get running(): number {
    return this.#running
  }

  get parked(): number {
    return this.#parked.size
  }

  get held(): number {
    return this.#held.size
  }

  /** Bytes of those that wait, for their time or for their call. */
  get bytes(): number {
    return this.#waitingBytes + this.#readyBytes
  }

  /** When the first of the parked is due; Infinity without any. */
  get nextDueMs(): number {
    return this.#parked.first?.dueMs ?? Infinity
  }

  /** The first whose call has ended. */
  get ended(): T | undefined {
    return this.#ended.peek()
  }

  /** A new item: ready, or behind another of its lane. `parked`: it has been tried, and has its time. */
  add(item: T, { parked = false }: { readonly parked?: boolean } = {}): void {
    if (item.lane !== undefined) {
      if (this.#lanes.has(item.lane)) return this.#putBehind(item, item.lane)
      this.#lanes.set(item.lane, undefined)
    }
    if (parked) this.#park(item)
    else this.#makeReady(item)
  }

  /** The one that `takeReady` would take. */
  get nextReady(): T | undefined {
    return this.#ready.peek()
  }

  /** The next to be called; the caller calls it. */
  takeReady(): T | undefined {
    const item = this.#ready.shift()
    if (!item) return undefined
    this.#readyBytes -= item.byteLength
    item.place = 'running'
    this.#running += 1
    return item
  }

  /** It is not called yet, but from `dueMs` on. */
  delay(item: T, dueMs: number): void {
    this.#running -= 1
    this.park(item, dueMs)
  }

  /** Its call has ended: it waits for what comes of that. */
  end(item: T): void {
    assert(item.place === 'running', `an item whose call has ended was ${item.place}`)
    this.#running -= 1
    item.place = 'ended'
    this.#ended.push(item)
  }

  /** The first whose call has ended. It is `done`, or `park`ed, next. */
  takeEnded(): T | undefined {
    return this.#ended.shift()
  }

  /** It is called again from `dueMs` on. */
  park(item: T, dueMs: number): void {
    item.dueMs = dueMs
    this.#park(item)
  }

  /** It has left: the next of its lane is ready. */
  done(item: T): void {
    if (item.lane === undefined) return
    const next = this.#lanes.get(item.lane)?.shift()
    if (!next) {
      this.#lanes.delete(item.lane)
      return
    }
    this.#behind -= 1
    this.#waitingBytes -= next.byteLength
    this.#makeReady(next)
  }

  /** Those behind the one of the lane that is ready, running, ended or parked, oldest first: they leave. */
  takeBehind(lane: string): T[] {
    const followers = this.#lanes.get(lane)
    if (!followers) return []
    this.#lanes.set(lane, undefined)
    const taken: T[] = []
    for (let item = followers.shift(); item; item = followers.shift()) {
      taken.push(item)
      this.#leftFromBehind(item)
    }
    return taken
  }

  /** The next to be called is not, until it is released. */
  holdNext(): T | undefined {
    const item = this.#ready.shift()
    if (item) this.#hold(item)
    return item
  }

  /** Holds what is ready or parked and fulfils the test. */
  holdWhere(test: (item: T) => boolean): void {
    const ready = this.#ready.takeWhere(test)
    const parked = this.#parked.takeWhere(test)
    for (const item of parked) this.#waitingBytes -= item.byteLength
    for (const item of [...ready, ...parked]) this.#hold(item)
  }

  /** All that wait for a call, in no order. */
  *waitingItems(): Generator<T> {
    yield* this.#ready
    yield* this.#parked
    yield* this.#held
    for (const followers of this.#lanes.values()) if (followers) yield* followers
  }

  /** What is held, or behind another, and fulfils the test; it stays where it is. */
  stoppedWhere(test: (item: T) => boolean): T[] {
    const found = [...this.#held].filter(test)
    for (const followers of this.#lanes.values())
      if (followers) for (const item of followers) if (test(item)) found.push(item)
    return found
  }

  /** What is held and fulfils the test waits for its time again, or is ready where that has come. */
  release(test: (item: T) => boolean, nowMs: number): void {
    for (const item of [...this.#held]) {
      if (!test(item)) continue
      this.#letGo(item)
      if (item.dueMs > nowMs) this.#park(item)
      else this.#makeReady(item)
    }
  }

  /** One that is held, or behind another, leaves without a call. */
  remove(item: T): void {
    if (item.place === 'held') {
      this.#letGo(item)
      item.place = 'gone'
      return this.done(item)
    }
    assert(item.place === 'behind', `an item that leaves without a call was ${item.place}`)
    const followers = item.lane === undefined ? undefined : this.#lanes.get(item.lane)
    followers?.takeWhere(each => each === item)
    this.#leftFromBehind(item)
  }

  /** Makes items ready whose time has come. Returns how many. */
  wake(nowMs: number): number {
    let woken = 0
    for (; this.nextDueMs <= nowMs; woken += 1) {
      const item = this.#parked.takeFirst() as T
      this.#waitingBytes -= item.byteLength
      this.#makeReady(item)
    }
    return woken
  }

  #leftFromBehind(item: T): void {
    item.place = 'gone'
    this.#behind -= 1
    this.#waitingBytes -= item.byteLength
  }

  /** Its bytes count as waiting; those of what was ready before do no longer. */
  #hold(item: T): void {
    if (item.place === 'ready') this.#readyBytes -= item.byteLength
    item.place = 'held'
    this.#held.add(item)
    this.#waitingBytes += item.byteLength
  }

  #letGo(item: T): void {
    this.#held.delete(item)
    this.#waitingBytes -= item.byteLength
  }

  #putBehind(item: T, lane: string): void {
    let followers = this.#lanes.get(lane)
    if (!followers) this.#lanes.set(lane, (followers = new Fifo<T>()))
    item.place = 'behind'
    followers.push(item)
    this.#behind += 1
    this.#waitingBytes += item.byteLength
  }

  #makeReady(item: T): void {
    item.place = 'ready'
    this.#readyBytes += item.byteLength
    this.#ready.push(item)
  }

  #park(item: T): void {
    item.place = 'parked'
    this.#parked.add(item)
    this.#waitingBytes += item.byteLength
  }
}
