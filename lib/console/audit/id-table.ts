import { Buffer } from 'node:buffer'
import { murmur3 } from '../../common/hash/murmur3.ts'

const EXPECTED = 1
/** Each time that an id was seen adds this, up to three times. */
const SEEN = 2
const SEEN_MAX = 3 * SEEN
const START_SLOTS = 1 << 12
const LOAD_MAX = 0.6

/** What is known of an id now. */
export interface IdState {
  readonly isExpected: boolean
  /** 0, 1, or 2: twice or more often. */
  readonly seen: number
}

/**
 * Which ids were expected, and how often they were seen: by 64 bits of their hash, in 9 bytes each, so that
 * millions fit. Two of ten million ids have one hash with a chance of 1 in 370,000.
 */
export class IdTable {
  readonly #idsMax: number
  #high = new Uint32Array(START_SLOTS)
  #low = new Uint32Array(START_SLOTS)
  /** 0: the slot is empty. */
  #states = new Uint8Array(START_SLOTS)
  #size = 0

  constructor(idsMax: number) {
    this.#idsMax = idsMax
  }

  get size(): number {
    return this.#size
  }

  /** The state before; undefined where the table is full, and the id a new one. */
  expect(id: string): IdState | undefined {
    return this.#change(id, state => state | EXPECTED)
  }

  /** As `expect`. */
  see(id: string): IdState | undefined {
    return this.#change(id, state => (state >= SEEN_MAX ? state : state + SEEN))
  }

  #change(id: string, change: (state: number) => number): IdState | undefined {
    const hash = murmur3(Buffer.from(id, 'utf8')) as Buffer
    const high = hash.readUInt32BE(0)
    const low = hash.readUInt32BE(4)
    const slot = this.#slotOf(high, low)
    const state = this.#states[slot]!
    if (state === 0) {
      if (this.#size >= this.#idsMax) return undefined
      this.#size += 1
    }
    this.#high[slot] = high
    this.#low[slot] = low
    this.#states[slot] = change(state)
    if (this.#size > this.#states.length * LOAD_MAX) this.#grow()
    return { isExpected: (state & EXPECTED) !== 0, seen: Math.min(2, Math.floor(state / SEEN)) }
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#states.length - 1
    let slot = low & mask
    while (this.#states[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high))
      slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [highs, lows, states] = [this.#high, this.#low, this.#states]
    const slots = states.length * 2
    this.#high = new Uint32Array(slots)
    this.#low = new Uint32Array(slots)
    this.#states = new Uint8Array(slots)
    for (let at = 0; at < states.length; at += 1) {
      if (states[at] === 0) continue
      const slot = this.#slotOf(highs[at]!, lows[at]!)
      this.#high[slot] = highs[at]!
      this.#low[slot] = lows[at]!
      this.#states[slot] = states[at]!
    }
  }
}
