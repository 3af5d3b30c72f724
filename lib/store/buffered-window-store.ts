import type { Windowed } from '../common/windowed.ts'
import { UNLIMITED_END_MS } from '../common/windowed.ts'
import type { EngineWrite } from './engine/engine.ts'
import type { CachedStore, FlushListener } from './key-value-store.ts'
import type { ChangelogRecord, StoreContext } from './state-store.ts'
import type { TimeBounds, TimedEntry, TimedStoreSettings } from './timed-store.ts'
import { TimedStore } from './timed-store.ts'
import type { KeyRange, TimeRange, WindowStore } from './window-store.ts'

export interface WindowStoreSettings extends TimedStoreSettings {
  readonly windowSizeMs: number
  readonly retainDuplicates: boolean
}

const ALL_KEYS = {}
const ALL_TIMES: TimeRange = {}

/** Entries by key and start of a window; where duplicates are retained, by a number as well. */
export class BufferedWindowStore<K, V> implements WindowStore<K, V>, CachedStore<Windowed<K>, V> {
  readonly name: string
  readonly retentionMs: number
  readonly windowSizeMs: number
  readonly #retainDuplicates: boolean
  readonly #entries: TimedStore<K, V>
  #sequence = 0

  constructor(settings: WindowStoreSettings) {
    this.name = settings.name
    this.retentionMs = settings.retentionMs
    this.windowSizeMs = settings.windowSizeMs
    this.#retainDuplicates = settings.retainDuplicates
    this.#entries = new TimedStore({ ...settings, caching: settings.caching && !settings.retainDuplicates })
  }

  get uncommittedBytes(): number {
    return this.#entries.uncommittedBytes
  }

  open(context: StoreContext): void {
    this.#entries.open(context)
  }

  async load(): Promise<void> {
    await this.#entries.load()
    for (const [{ minor }] of this.#entries.entries({}, bounds(ALL_TIMES, false))) {
      this.#sequence = Math.max(this.#sequence, minor)
    }
  }

  put(key: K, value: V | null, windowStartMs: number): void {
    if (!this.#retainDuplicates) {
      this.#entries.put(key, windowStartMs, 0, value)
      return
    }
    this.#sequence = (this.#sequence + 1) & 0x7fffffff
    if (value !== null) this.#entries.put(key, windowStartMs, this.#sequence, value)
  }

  fetch(key: K, windowStartMs: number): V | undefined
  fetch(key: K, starts: TimeRange): IterableIterator<readonly [number, V]>
  fetch(key: K, at: number | TimeRange): V | undefined | IterableIterator<readonly [number, V]> {
    if (typeof at !== 'number') return byStart(this.#entries.entriesOfKey(key, bounds(at, false)))
    return this.#retainDuplicates ? undefined : this.#entries.get(key, at, 0)
  }

  backwardFetch(key: K, starts: TimeRange): IterableIterator<readonly [number, V]> {
    return byStart(this.#entries.entriesOfKey(key, bounds(starts, true)))
  }

  fetchRange(keys: KeyRange<K>, starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#windowed(this.#entries.entries(keys, bounds(starts, false)))
  }

  backwardFetchRange(keys: KeyRange<K>, starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#windowed(this.#entries.entries(keys, bounds(starts, true)))
  }

  fetchAll(starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]> {
    return this.fetchRange(ALL_KEYS, starts)
  }

  backwardFetchAll(starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]> {
    return this.backwardFetchRange(ALL_KEYS, starts)
  }

  all(): IterableIterator<readonly [Windowed<K>, V]> {
    return this.fetchRange(ALL_KEYS, ALL_TIMES)
  }

  backwardAll(): IterableIterator<readonly [Windowed<K>, V]> {
    return this.backwardFetchRange(ALL_KEYS, ALL_TIMES)
  }

  setFlushListener(
    listener: FlushListener<Windowed<K>, V>,
    options: { readonly sendOldValues: boolean },
  ): boolean {
    return this.#entries.setFlushListener(
      ({ key, time }, newValue, oldValue, timestamp) =>
        listener(this.#window(key, time), newValue, oldValue, timestamp),
      options,
    )
  }

  restore(records: readonly ChangelogRecord[]): void {
    this.#entries.restore(records)
  }

  flush(): void {
    this.#entries.flush()
  }

  prepareCommit(): void {
    this.#entries.prepareCommit()
  }

  stage(batch: EngineWrite[]): void {
    this.#entries.stage(batch)
  }

  staged(): void {
    this.#entries.staged()
  }

  close(): void {
    this.#entries.close()
  }

  *#windowed(entries: Iterable<TimedEntry<K, V>>): IterableIterator<readonly [Windowed<K>, V]> {
    for (const [{ key, time }, value] of entries) yield [this.#window(key, time), value]
  }

  #window(key: K, startMs: number): Windowed<K> {
    return { key, window: { startMs, endMs: Math.min(startMs + this.windowSizeMs, UNLIMITED_END_MS) } }
  }
}

function* byStart<K, V>(entries: Iterable<TimedEntry<K, V>>): IterableIterator<readonly [number, V]> {
  for (const [{ time }, value] of entries) yield [time, value]
}

function bounds({ fromMs = 0, toMs = Infinity }: TimeRange, reverse: boolean): TimeBounds {
  return { fromMs, toMs, reverse }
}
