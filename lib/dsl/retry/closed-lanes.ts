import { bytesToMapKey, mapKeyToBytes } from '../../common/bytes.ts'
import type { PendingItem, PendingStore } from '../../store/operator/pending-store.ts'
import { CLOSED_LANE } from '../calls/input-format.ts'

/** Stands in the pending store for a key that is given up. */
class ClosedLane implements PendingItem {
  readonly timestamp: number
  readonly byteLength: number
  readonly #bytes: Uint8Array
  sequence = -1

  constructor(lane: string, timestamp: number) {
    const key = mapKeyToBytes(lane)
    this.#bytes = new Uint8Array(key.length + 1)
    this.#bytes[0] = CLOSED_LANE
    this.#bytes.set(key, 1)
    this.timestamp = timestamp
    this.byteLength = this.#bytes.length
  }

  toBytes(): Uint8Array {
    return this.#bytes
  }
}

/**
 * Keys that were given up under `onGiveUp: 'key'`: what comes of them goes to the dead letters until one of
 * their letters is replayed. They survive as what waits does, in the pending store.
 */
export class ClosedLanes {
  readonly #store: PendingStore
  readonly #lanes = new Map<string, ClosedLane>()

  constructor(store: PendingStore) {
    this.#store = store
  }

  get size(): number {
    return this.#lanes.size
  }

  has(lane: string | undefined): boolean {
    return this.#lanes.size > 0 && lane !== undefined && this.#lanes.has(lane)
  }

  /** `timestamp`: of the record that was given up. */
  close(lane: string, timestamp: number): void {
    if (this.#lanes.has(lane)) return
    const closed = new ClosedLane(lane, timestamp)
    closed.sequence = this.#store.add(closed)
    this.#lanes.set(lane, closed)
  }

  /** Records of the key are called again. */
  open(lane: string | undefined): void {
    const closed = lane === undefined ? undefined : this.#lanes.get(lane)
    if (!closed || lane === undefined) return
    this.#lanes.delete(lane)
    this.#store.remove(closed.sequence, closed.timestamp)
  }

  /** Takes what was found in the store, if it stands for a closed lane; returns whether it does. */
  takeFound(sequence: number, bytes: Uint8Array): boolean {
    if (bytes[0] !== CLOSED_LANE) return false
    const lane = bytesToMapKey(bytes.subarray(1))
    const closed = new ClosedLane(lane, 0)
    closed.sequence = sequence
    this.#lanes.set(lane, closed)
    return true
  }
}
