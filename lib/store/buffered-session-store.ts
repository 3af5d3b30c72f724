import type { TimeWindow, Windowed } from '../common/windowed.ts'
import type { EngineWrite } from './engine/engine.ts'
import type { FlushListener } from './key-value-store.ts'
import type { SessionSpan, SessionStore } from './session-store.ts'
import type { ChangelogRecord, StoreContext } from './state-store.ts'
import type { TimedEntry, TimedStoreSettings } from './timed-store.ts'
import { TimedStore } from './timed-store.ts'
import type { KeyRange } from './window-store.ts'

const EVER: SessionSpan = { earliestEndMs: 0, latestStartMs: Infinity }

/** Aggregates by key, end and start of a session. */
export class BufferedSessionStore<K, V> implements SessionStore<K, V> {
  readonly name: string
  readonly retentionMs: number
  readonly #entries: TimedStore<K, V>

  constructor(settings: TimedStoreSettings) {
    this.name = settings.name
    this.retentionMs = settings.retentionMs
    this.#entries = new TimedStore(settings)
  }

  get uncommittedBytes(): number {
    return this.#entries.uncommittedBytes
  }

  open(context: StoreContext): void {
    this.#entries.open(context)
  }

  async load(): Promise<void> {
    await this.#entries.load()
  }

  put({ key, window }: Windowed<K>, value: V | null): void {
    this.#entries.put(key, window.endMs, window.startMs, value)
  }

  remove({ key, window }: Windowed<K>): void {
    this.#entries.delete(key, window.endMs, window.startMs)
  }

  fetchSession(key: K, { startMs, endMs }: TimeWindow): V | undefined {
    return this.#entries.get(key, endMs, startMs)
  }

  findSessions(key: K, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#sessions({ from: key, to: key }, span, false)
  }

  backwardFindSessions(key: K, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]> {
    return this.#sessions({ from: key, to: key }, span, true)
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

  *findSessionsByEnd(ends: {
    readonly fromMs: number
    readonly toMs: number
  }): IterableIterator<readonly [Windowed<K>, V]> {
    for (const entry of this.#entries.entries({}, { ...ends, reverse: false })) yield session(entry)
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
    return this.#entries.setFlushListener(
      ({ key, time, minor }, newValue, oldValue, timestamp) =>
        listener({ key, window: { startMs: minor, endMs: time } }, newValue, oldValue, timestamp),
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

  *#sessions(
    keys: KeyRange<K>,
    { earliestEndMs, latestStartMs }: SessionSpan,
    reverse: boolean,
  ): IterableIterator<readonly [Windowed<K>, V]> {
    const entries = this.#entries.entries(keys, { fromMs: earliestEndMs, toMs: Infinity, reverse })
    for (const entry of entries) if (entry[0].minor <= latestStartMs) yield session(entry)
  }
}

function session<K, V>([{ key, time, minor }, value]: TimedEntry<K, V>): readonly [Windowed<K>, V] {
  return [{ key, window: { startMs: minor, endMs: time } }, value]
}
