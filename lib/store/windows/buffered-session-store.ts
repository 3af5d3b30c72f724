import type { TimeWindow, Windowed } from '../../common/windowed.ts'
import type { KeyInBuffer } from '../../common/record-context.ts'
import type { KeyTexts } from '../contract/prefetching-store.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import type { FlushListener } from '../contract/key-value-store.ts'
import type { SessionSpan, SessionStore } from '../contract/session-store.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import type { TimedStoreSettings } from './timed-resources.ts'
import { scan } from './timed-scan.ts'
import { TimedStore } from './timed-store.ts'
import type { ExpiryListener, KeyRange } from '../contract/window-store.ts'

const EVER: SessionSpan = { earliestEndMs: 0, latestStartMs: Infinity }

/** Aggregates by key, end and start of a session. */
export class BufferedSessionStore<K, V> implements SessionStore<K, V> {
  readonly name: string
  readonly retentionMs: number
  readonly entries: TimedStore<K, V>

  constructor(settings: TimedStoreSettings) {
    this.name = settings.name
    this.retentionMs = settings.retentionMs
    this.entries = new TimedStore(settings)
  }

  get uncommittedBytes(): number {
    return this.entries.uncommittedBytes
  }

  open(context: StoreContext): void {
    this.entries.open(context)
  }

  async load(): Promise<void> {
    await this.entries.load()
  }

  put({ key, window }: Windowed<K>, value: V | null): void {
    this.entries.put(key, window.endMs, window.startMs, value)
  }

  remove({ key, window }: Windowed<K>): void {
    this.entries.delete(key, window.endMs, window.startMs)
  }

  fetchSession(key: K, { startMs, endMs }: TimeWindow): V | undefined {
    return this.entries.get(key, endMs, startMs)
  }

  findSessions(key: K, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#ofKey(key, span)[Symbol.iterator]()
  }

  backwardFindSessions(key: K, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#ofKey(key, span).reverse()[Symbol.iterator]()
  }

  findSessionsRange(keys: KeyRange<K>, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#sessions(keys, span, false)
  }

  backwardFindSessionsRange(
    keys: KeyRange<K>,
    span: SessionSpan,
  ): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#sessions(keys, span, true)
  }

  findSessionsByEnd(ends: {
    readonly fromMs: number
    readonly toMs: number
  }): IterableIterator<readonly [Windowed<K>, V]> {
    const { fromMs, toMs } = ends
    const bounds = { keys: {}, fromTime: fromMs, toTime: toMs, suffixMax: Infinity, reverse: false }
    return scan(this.entries, bounds, row)
  }

  fetch(key: K): IterableIterator<readonly [Windowed<K>, V]> {
    return this.findSessions(key, EVER)
  }

  backwardFetch(key: K): IterableIterator<readonly [Windowed<K>, V]> {
    return this.backwardFindSessions(key, EVER)
  }

  fetchRange(keys: KeyRange<K>): IterableIterator<readonly [Windowed<K>, V]> {
    return this.findSessionsRange(keys, EVER)
  }

  backwardFetchRange(keys: KeyRange<K>): IterableIterator<readonly [Windowed<K>, V]> {
    return this.backwardFindSessionsRange(keys, EVER)
  }

  setFlushListener(
    listener: FlushListener<Windowed<K>, V>,
    options: { readonly sendOldValues: boolean },
  ): boolean {
    return this.entries.setFlushListener(
      ({ key, time, suffix }, newValue, oldValue, timestamp) =>
        listener({ key, window: { startMs: suffix, endMs: time } }, newValue, oldValue, timestamp),
      options,
    )
  }

  setExpiryListener(listener: ExpiryListener): void {
    this.entries.setExpiryListener(listener)
  }

  restore(records: readonly ChangelogRecord[]): void {
    this.entries.restore(records)
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

  #ofKey(key: K, { earliestEndMs, latestStartMs }: SessionSpan): (readonly [Windowed<K>, V])[] {
    return this.entries.rowsOfKey(key, earliestEndMs, Infinity, latestStartMs, row<K, V>)
  }

  #sessions(
    keys: KeyRange<K>,
    { earliestEndMs, latestStartMs }: SessionSpan,
    reverse: boolean,
  ): IterableIterator<readonly [Windowed<K>, V]> {
    const bounds = { keys, fromTime: earliestEndMs, toTime: Infinity, suffixMax: latestStartMs, reverse }
    return scan(this.entries, bounds, row)
  }
}

function row<K, V>(key: K, endMs: number, startMs: number, value: V): readonly [Windowed<K>, V] {
  return [{ key, window: { startMs, endMs } }, value]
}
