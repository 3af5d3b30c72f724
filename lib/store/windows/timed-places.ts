import type { Counter } from '../../common/metrics/meter.ts'
import type { Engine } from '../engine/engine.ts'
import { WAS_ABSENT, type ValueState } from '../format/value-state.ts'
import type { EntryPlaces } from '../memory/entry-store.ts'
import type { RestoredWrites } from '../memory/restored-writes.ts'
import type { ForgottenEntries } from './forgotten-entries.ts'
import type { TimeIndex } from './time-index.ts'
import type { TimedEntry } from './timed-entry.ts'
import type { TimedKeyCodec } from './timed-key-codec.ts'

/** A key with the place of its entry. */
export interface TimedPlace<K> {
  readonly key: K
  readonly time: number
  readonly suffix: number
}

export interface TimedPlacesOptions<K> {
  readonly engine: Engine
  readonly codec: TimedKeyCodec<K>
  readonly index: TimeIndex
  readonly restored: RestoredWrites
  /** Entries forgotten below the cache; undefined where the cache keeps none longer than retention does. */
  readonly forgotten: ForgottenEntries | undefined
  readonly dropped: Counter
}

/** Places of entries by key, time and suffix. */
export class TimedPlaces<K> implements EntryPlaces<TimedEntry, TimedPlace<K>> {
  readonly #engine: Engine
  readonly #codec: TimedKeyCodec<K>
  readonly #index: TimeIndex
  readonly #restored: RestoredWrites
  readonly #forgotten: ForgottenEntries | undefined
  readonly #dropped: Counter

  constructor({ engine, codec, index, restored, forgotten, dropped }: TimedPlacesOptions<K>) {
    this.#engine = engine
    this.#codec = codec
    this.#index = index
    this.#restored = restored
    this.#forgotten = forgotten
    this.#dropped = dropped
  }

  get watched(): boolean {
    return this.#index.watched
  }

  engineKey({ id, time, suffix }: TimedEntry): Uint8Array {
    return this.#codec.lookUpKey(id, time, suffix)
  }

  changelogKey({ id, time, suffix }: TimedEntry): Uint8Array {
    return this.#codec.changelogKey(id, time, suffix)
  }

  placeOf({ key, time, suffix }: TimedEntry): TimedPlace<K> {
    return { key: this.#codec.keys.keyOf(key.id, key.alias), time, suffix }
  }

  rowBelow({ id, time, suffix }: TimedEntry): Uint8Array | undefined {
    return this.rowOf(id, time, suffix)
  }

  rowOf(id: string, time: number, suffix: number): Uint8Array | undefined {
    const codec = this.#codec
    const row = this.#restored.isEmpty ? undefined : this.#restored.find(codec.engineId(id, time, suffix))
    return row === undefined ? this.#engine.get(codec.lookUpKey(id, time, suffix)) : (row ?? undefined)
  }

  save(entry: TimedEntry): void {
    this.#index.save(entry.key, entry.time, entry.suffix, entry)
  }

  changed(): void {
    // The index keeps the place of an absent entry until the engine has let it go (`TimedCache.unpin`).
  }

  released(entry: TimedEntry, before: ValueState): ValueState {
    const forgotten = this.#forgotten
    if (!forgotten) return before
    const isForgotten = forgotten.covers(entry.time)
    const was = isForgotten ? WAS_ABSENT : before
    if (entry.state === 'absent' && was.state === 'absent') return was
    forgotten.reached(entry.time)
    if (isForgotten) this.#dropped.value += 1
    return was
  }
}
