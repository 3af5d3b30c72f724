import { Buffer } from 'node:buffer'
import { bytesToMapKey, mapKeyToBytes, utf8, utf8Text } from '../../common/bytes.ts'
import type { PendingItem, PendingStore } from '../../store/operator/pending-store.ts'
import { FieldReader, putBytes } from '../calls/byte-fields.ts'
import { CLOSED_LANE } from '../calls/input-format.ts'

/** The record for which a lane is closed. */
export interface GivenUp {
  readonly timestamp: number
  /** In which run its letter was processed again; '': it was none before. */
  readonly run: string
}

/** Stands in the pending store for a key that is given up. */
class ClosedLane implements PendingItem {
  readonly timestamp: number
  readonly byteLength: number
  readonly run: string
  readonly #bytes: Uint8Array
  sequence = -1

  constructor(lane: string, { timestamp, run }: GivenUp) {
    const parts = [new Uint8Array([CLOSED_LANE])]
    putBytes(parts, utf8(run))
    this.#bytes = Buffer.concat([...parts, mapKeyToBytes(lane)])
    this.timestamp = timestamp
    this.run = run
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

  /** `run`: whether the lane was closed in that run. */
  has(lane: string | undefined, run?: string): boolean {
    if (this.#lanes.size === 0 || lane === undefined) return false
    const closed = this.#lanes.get(lane)
    return closed !== undefined && (run === undefined || (run !== '' && closed.run === run))
  }

  close(lane: string, given: GivenUp): void {
    if (this.#lanes.has(lane)) return
    const closed = new ClosedLane(lane, given)
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
    const reader = new FieldReader(bytes.subarray(1))
    const run = utf8Text(reader.bytes() ?? new Uint8Array())
    const lane = bytesToMapKey(reader.rest)
    const closed = new ClosedLane(lane, { timestamp: 0, run })
    closed.sequence = sequence
    this.#lanes.set(lane, closed)
    return true
  }
}
