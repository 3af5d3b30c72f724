import type { KeyRange } from '../contract/window-store.ts'
import type { MakeRow, TimedStore } from './timed-store.ts'
import type { TimeSnapshot } from './time-snapshot.ts'

/** Bounds of a scan: times and `suffixMax` are included; an absent key is open. */
export interface ScanBounds<K> {
  readonly keys: KeyRange<K>
  readonly fromTime: number
  readonly toTime: number
  readonly suffixMax: number
  readonly reverse: boolean
}

/** Entries of several keys by time, then key, as they are at the call; `reverse`: the other way. */
export function scan<K, V, R>(
  store: TimedStore<K, V>,
  bounds: ScanBounds<K>,
  make: MakeRow<K, V, R>,
): IterableIterator<R> {
  const { index, codec } = store.resources()
  const { keys, fromTime, toTime, suffixMax, reverse } = bounds
  const lowId = keys.from === undefined ? undefined : codec.keys.id(keys.from)
  const highId = keys.to === undefined ? undefined : codec.keys.id(keys.to)
  const snapshot = index.snapshot({ fromTime, toTime, lowId, highId, reverse })
  return snapshot === undefined ? NOTHING[Symbol.iterator]() : rows(store, snapshot, suffixMax, make)
}

const NOTHING: readonly never[] = []

function* rows<K, V, R>(
  store: TimedStore<K, V>,
  snapshot: TimeSnapshot,
  suffixMax: number,
  make: MakeRow<K, V, R>,
): Generator<R, undefined> {
  for (const slot of snapshot.slots()) {
    if (slot.suffix > suffixMax) continue
    const { codec, values } = store.resources()
    const { key, time, suffix } = slot
    const value = values.read(slot.state ?? store.stateOf(key, time, suffix))
    if (value !== undefined) yield make(codec.keys.keyOf(key.id, key.alias), time, suffix, value)
  }
  return undefined
}
