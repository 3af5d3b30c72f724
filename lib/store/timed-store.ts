import { assert } from '../common/assert.ts'
import type { Counter } from '../common/metrics.ts'
import type { Serde } from '../serde/serde.ts'
import { BufferedKeyValueStore } from './buffered-key-value-store.ts'
import type { EngineWrite } from './engine/engine.ts'
import type { FlushListener } from './key-value-store.ts'
import type { MinorBytes, TimedKey } from './layer/timed-keys.ts'
import { fromChangelogKey, TimedKeySerde, timeOf, toChangelogKey } from './layer/timed-keys.ts'
import type { ChangelogRecord, StoreContext } from './state-store.ts'
import { serdeOrThrow, storeClosed } from './store-error.ts'
import type { KeyRange } from './window-store.ts'

export interface TimedStoreSettings {
  readonly name: string
  readonly timestamped: boolean
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly caching: boolean
  readonly retentionMs: number
  readonly minorBytes: MinorBytes
}

/** Times, both included. */
export interface TimeBounds {
  readonly fromMs: number
  readonly toMs: number
  readonly reverse: boolean
}

export type TimedEntry<K, V> = readonly [TimedKey<K>, V]

interface Opened<K, V> {
  readonly entries: BufferedKeyValueStore<TimedKey<K>, V>
  readonly keySerde: Serde<K>
  readonly context: StoreContext
  readonly dropped: Counter
}

/** What window and session stores have in common: entries by key and time that expire when a later time has been seen. */
export class TimedStore<K, V> {
  readonly #settings: TimedStoreSettings
  #opened: Opened<K, V> | undefined
  #observedMs = -1

  constructor(settings: TimedStoreSettings) {
    this.#settings = settings
  }

  get uncommittedBytes(): number {
    return this.#opened?.entries.uncommittedBytes ?? 0
  }

  /** The largest time put, −1 before the first. */
  get observedMs(): number {
    return this.#observedMs
  }

  open(context: StoreContext): void {
    const { name, minorBytes } = this.#settings
    assert(this.#opened === undefined, `store ${name} is open already`)
    const keySerde = serdeOrThrow(name, 'key', this.#settings.keySerde, context.defaultKeySerde) as Serde<K>
    const { log } = context
    const entries = new BufferedKeyValueStore<TimedKey<K>, V>({
      ...this.#settings,
      keySerde: new TimedKeySerde(keySerde, minorBytes) as unknown as Serde<unknown>,
      ranges: true,
    })
    const inner = Object.create(context, {
      log: {
        value:
          log &&
          ((key: Uint8Array, ...rest: [Uint8Array | null, number, []]) =>
            log(toChangelogKey(key, minorBytes), ...rest)),
      },
    }) as StoreContext
    entries.open(inner)
    const tags = { task: context.taskId ?? 'global' }
    const dropped = context.metrics.counter('dropped-records-total', tags)
    this.#opened = { entries, keySerde, context, dropped }
  }

  async load(): Promise<void> {
    const { entries } = this.opened()
    await entries.load()
    for (const [{ time }] of entries.reverseAll()) {
      this.#observedMs = time
      break
    }
  }

  get(key: K, time: number, minor: number): V | undefined {
    const { entries } = this.opened()
    return this.#isLive(time) ? entries.get({ time, key, minor }) : undefined
  }

  put(key: K, time: number, minor: number, value: V | null): void {
    const { entries, dropped } = this.opened()
    this.#observedMs = Math.max(this.#observedMs, time)
    if (this.#isLive(time)) entries.put({ time, key, minor }, value)
    else dropped.value += 1
  }

  delete(key: K, time: number, minor: number): void {
    this.opened().entries.put({ time, key, minor }, null)
  }

  *entriesOfKey(key: K, bounds: TimeBounds): IterableIterator<TimedEntry<K, V>> {
    yield* this.entries({ from: key, to: key }, bounds)
  }

  *entries(range: KeyRange<K>, { fromMs, toMs, reverse }: TimeBounds): IterableIterator<TimedEntry<K, V>> {
    const { entries, keySerde, context } = this.opened()
    const topic = { topic: context.changelogTopic }
    const low = range.from === undefined ? undefined : Buffer.from(keySerde.serialize(range.from, topic))
    const high = range.to === undefined ? undefined : Buffer.from(keySerde.serialize(range.to, topic))
    for (const entry of reverse ? entries.reverseAll() : entries.all()) {
      const { time, key } = entry[0]
      if (time < fromMs || time > toMs || !this.#isLive(time)) continue
      const bytes = keySerde.serialize(key, topic)
      if (low && low.compare(bytes) > 0) continue
      if (high && high.compare(bytes) < 0) continue
      yield entry
    }
  }

  setFlushListener(
    listener: FlushListener<TimedKey<K>, V>,
    options: { readonly sendOldValues: boolean },
  ): boolean {
    return this.opened().entries.setFlushListener(listener, options)
  }

  restore(records: readonly ChangelogRecord[]): void {
    const { minorBytes } = this.#settings
    const { entries } = this.opened()
    const live: ChangelogRecord[] = []
    for (const record of records) {
      if (record.key === null) continue
      this.#observedMs = Math.max(this.#observedMs, timeOf(record.key, minorBytes))
      live.push({ ...record, key: fromChangelogKey(record.key, minorBytes) })
    }
    entries.restore(live)
  }

  flush(): void {
    this.opened().entries.flush()
  }

  prepareCommit(): void {
    this.opened().entries.prepareCommit()
  }

  stage(batch: EngineWrite[]): void {
    this.opened().entries.stage(batch)
  }

  staged(): void {
    this.#opened?.entries.staged()
  }

  close(): void {
    this.#opened?.entries.close()
    this.#opened = undefined
  }

  opened(): Opened<K, V> {
    if (this.#opened === undefined) throw storeClosed(this.#settings.name)
    return this.#opened
  }

  #isLive(time: number): boolean {
    return time > this.#observedMs - this.#settings.retentionMs
  }
}
