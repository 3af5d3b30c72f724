import type { Windowed } from '../../common/windowed.ts'
import type { KeyInBuffer } from '../../common/record-context.ts'
import type { KeyTexts } from '../contract/prefetching-store.ts'
import { UNLIMITED_END_MS } from '../../common/windowed.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import type { CachedStore, FlushListener } from '../contract/key-value-store.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import type { TimedStoreSettings } from './timed-resources.ts'
import { scan } from './timed-scan.ts'
import { TimedStore } from './timed-store.ts'
import type {
  ExpiringStore,
  ExpiryListener,
  KeyRange,
  TimeRange,
  WindowStore,
} from '../contract/window-store.ts'

export interface WindowStoreSettings extends TimedStoreSettings {
  readonly windowSizeMs: number
  readonly retainDuplicates: boolean
}

const ALL_KEYS = {}
const ALL_TIMES: TimeRange = {}
const SEQUENCE_MAX = 0x7fff_ffff

/** Entries by key and start of a window; where duplicates are retained, by a number of their own as well. */
export class BufferedWindowStore<K, V>
  implements WindowStore<K, V>, CachedStore<Windowed<K>, V>, ExpiringStore
{
  readonly name: string
  readonly retentionMs: number
  readonly windowSizeMs: number
  readonly retainDuplicates: boolean
  readonly entries: TimedStore<K, V>
  #sequence = 0

  constructor(settings: WindowStoreSettings) {
    this.name = settings.name
    this.retentionMs = settings.retentionMs
    this.windowSizeMs = settings.windowSizeMs
    this.retainDuplicates = settings.retainDuplicates
    this.entries = new TimedStore({ ...settings, caching: settings.caching && !settings.retainDuplicates })
  }

  get uncommittedBytes(): number {
    return this.entries.uncommittedBytes
  }

  open(context: StoreContext): void {
    this.entries.open(context)
  }

  async load(): Promise<void> {
    await this.entries.load()
    this.#sequence = this.entries.largestSuffix
  }

  put(key: K, value: V | null, windowStartMs: number): void {
    if (this.retainDuplicates) this.#putDuplicate(key, value, windowStartMs)
    else this.entries.put(key, windowStartMs, 0, value)
  }

  fetch(key: K, windowStartMs: number): V | undefined
  fetch(key: K, starts: TimeRange): IterableIterator<readonly [number, V]>
  fetch(key: K, at: number | TimeRange): V | undefined | IterableIterator<readonly [number, V]> {
    if (typeof at !== 'number') return this.#ofKey(key, at)[Symbol.iterator]()
    return this.retainDuplicates ? undefined : this.entries.get(key, at, 0)
  }

  backwardFetch(key: K, starts: TimeRange): IterableIterator<readonly [number, V]> {
    return this.#ofKey(key, starts).reverse()[Symbol.iterator]()
  }

  fetchRange(keys: KeyRange<K>, starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#scan(keys, starts, false)
  }

  backwardFetchRange(keys: KeyRange<K>, starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#scan(keys, starts, true)
  }

  fetchAll(starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#scan(ALL_KEYS, starts, false)
  }

  backwardFetchAll(starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#scan(ALL_KEYS, starts, true)
  }

  all(): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#scan(ALL_KEYS, ALL_TIMES, false)
  }

  backwardAll(): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#scan(ALL_KEYS, ALL_TIMES, true)
  }

  setFlushListener(
    listener: FlushListener<Windowed<K>, V>,
    options: { readonly sendOldValues: boolean },
  ): boolean {
    return this.entries.setFlushListener(
      ({ key, time }, newValue, oldValue, timestamp) =>
        listener(this.windowed(key, time), newValue, oldValue, timestamp),
      options,
    )
  }

  setExpiryListener(listener: ExpiryListener): void {
    this.entries.setExpiryListener(listener)
  }

  restore(records: readonly ChangelogRecord[]): void {
    this.entries.restore(records)
    this.#sequence = Math.max(this.#sequence, this.entries.largestSuffix)
  }

  prefetch(keys: readonly KeyInBuffer[], start: number, texts: KeyTexts): number {
    return this.entries.prefetch(keys, start, texts)
  }

  content(): AsyncIterable<ChangelogRecord> {
    return this.entries.content()
  }

  flush(): void {
    this.entries.flush()
  }

  prepareCommit(): void {
    this.entries.prepareCommit()
  }

  stage(batch: WriteBatch): void {
    this.entries.stage(batch)
  }

  staged(): void {
    this.entries.staged()
  }

  close(): void {
    this.entries.close()
  }

  windowed(key: K, startMs: number): Windowed<K> {
    return { key, window: { startMs, endMs: Math.min(startMs + this.windowSizeMs, UNLIMITED_END_MS) } }
  }

  /**
   * Puts a duplicate. A null takes a number and is logged, as in Kafka Streams, though there is nothing to
   * delete.
   */
  #putDuplicate(key: K, value: V | null, windowStartMs: number): void {
    const sequence = (this.#sequence + 1) & SEQUENCE_MAX
    if (value === null) this.entries.logDeletion(key, windowStartMs, sequence)
    else this.entries.put(key, windowStartMs, sequence, value)
    this.#sequence = sequence
  }

  #ofKey(key: K, { fromMs = 0, toMs = Infinity }: TimeRange): (readonly [number, V])[] {
    return this.entries.rowsOfKey(key, fromMs, toMs, SEQUENCE_MAX, byStart)
  }

  #scan(
    keys: KeyRange<K>,
    { fromMs = 0, toMs = Infinity }: TimeRange,
    reverse: boolean,
  ): IterableIterator<readonly [Windowed<K>, V]> {
    const bounds = { keys, fromTime: fromMs, toTime: toMs, suffixMax: SEQUENCE_MAX, reverse }
    return scan(this.entries, bounds, this.#row)
  }

  readonly #row = (key: K, startMs: number, _suffix: number, value: V) =>
    [this.windowed(key, startMs), value] as const
}

function byStart<V>(_key: unknown, startMs: number, _suffix: number, value: V): readonly [number, V] {
  return [startMs, value]
}
