import type { Observable } from 'rxjs'
import type { OutgoingRecord } from '../../broker/broker.ts'
import { abortable } from '../../common/abortable.ts'
import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { partitionForKey } from '../../common/hash/murmur2.ts'
import { SerdePendingError } from '../../serde/serde-pending-error.ts'
import type { Serde } from '../../serde/serde.ts'
import type { CommandClient } from './command-client.ts'
import { noSingleWriter, storeClosed, VersionConflictError, writeTimeout } from './key-value-error.ts'
import { commandsTopic, isVersion } from './key-value-format.ts'
import type { RecordSender } from './record-sender.ts'
import type { RowChange, RowMap, StoreRow } from './row-map.ts'

/** What reads the topic, as a store needs it. */
export interface TopicReader {
  /** Resolves when the rows are shown; rejects with the error that makes that impossible. */
  readonly ready: Promise<void>
  /** Resolves when the rows hold everything that the topic held at the call. */
  caughtUp(): Promise<void>
  /** Partitions of a topic. */
  partitionCount(topic: string): Promise<number>
  close(): Promise<void>
}

export interface TopicStoreParts<K, V> {
  readonly topic: string
  readonly keySerde: Serde<K>
  readonly valueSerde: Serde<V>
  readonly rows: RowMap<K, V>
  readonly reader: TopicReader
  readonly sender: RecordSender
  /** Undefined: the store is written directly. */
  readonly commands: CommandClient | undefined
  readonly clock: Clock
  readonly writeTimeoutMs: number
  readonly changes: Observable<RowChange<K, V>>
}

export interface WriteOptions {
  /**
   * Writes only if the row has this version, as `entry` tells it; 0: only if there is no row. Takes a store
   * with a single writer.
   */
  readonly expectedVersion?: number
}

/** How often `update` tries. */
const ATTEMPTS_MAX = 1_000
const AFTER_ERROR_MS = 100

/**
 * A compacted topic as a map: every process that opens it holds all rows in memory, so reads are at once, and
 * a write is over when this process shows it. Values are frozen, since all readers share them.
 */
export class TopicStore<K, V> implements AsyncDisposable {
  readonly topic: string
  /** Changes of rows that are shown, from the subscription on, whoever makes them. */
  readonly changes: Observable<RowChange<K, V>>
  readonly #parts: TopicStoreParts<K, V>
  readonly #rows: RowMap<K, V>
  readonly #closed = new AbortController()

  constructor(parts: TopicStoreParts<K, V>) {
    this.topic = parts.topic
    this.changes = parts.changes
    this.#parts = parts
    this.#rows = parts.rows
  }

  /**
   * Resolves when every row is there that was committed when the store was opened; rejects with the error
   * that makes that impossible. Reads before throw `NOT_READY`.
   */
  get ready(): Promise<void> {
    return this.#parts.reader.ready
  }

  get(key: K): V | undefined {
    return this.#rows.get(key)?.value
  }

  /** The row with its version, for `expectedVersion`. */
  entry(key: K): StoreRow<K, V> | undefined {
    return this.#rows.get(key)
  }

  has(key: K): boolean {
    return this.#rows.get(key) !== undefined
  }

  get size(): number {
    return this.#rows.rows.size
  }

  /** In no order. */
  *keys(): IterableIterator<K> {
    for (const { key } of this.#rows.rows.values()) yield key
  }

  *values(): IterableIterator<V> {
    for (const { value } of this.#rows.rows.values()) yield value
  }

  *entries(): IterableIterator<readonly [K, V]> {
    for (const { key, value } of this.#rows.rows.values()) yield [key, value]
  }

  [Symbol.iterator](): IterableIterator<readonly [K, V]> {
    return this.entries()
  }

  /**
   * Resolves when `get` answers with this value, or a newer one: with the version that it got, 0 in a store
   * without a single writer. Rejects with `VERSION_CONFLICT`, when `entry` shows what is in the way; with
   * `KEY_VALUE_WRITE_TIMEOUT` where it is not known whether it was written; with what brokers refuse.
   */
  async put(key: K, value: V, options: WriteOptions = {}): Promise<number> {
    if (value === null || value === undefined) {
      throw new TypeError(`store "${this.topic}": put was given ${String(value)}: delete the key instead`)
    }
    return this.#write(key, value, options)
  }

  /** Resolves when `get` does not find the key any more, or something newer; otherwise as `put`. */
  async delete(key: K, options: WriteOptions = {}): Promise<number> {
    return this.#write(key, null, options)
  }

  /**
   * Puts what `change` makes of the present value, and again where another write came between: of any number
   * of callers each change counts. It may be called several times; null deletes. Takes a single writer.
   */
  async update(key: K, change: (value: V | undefined) => V | null): Promise<number> {
    await this.ready
    for (let attempt = 1; ; attempt += 1) {
      const entry = this.entry(key)
      const value = change(entry?.value)
      try {
        return await this.#write(key, value, { expectedVersion: entry?.version ?? 0 })
      } catch (error) {
        if (!(error instanceof VersionConflictError) || attempt >= ATTEMPTS_MAX) throw error
      }
    }
  }

  /** Ends the reading. Writes under way reject with `CLOSED`; whether they are made is open. */
  async close(): Promise<void> {
    const { rows, reader, sender } = this.#parts
    if (!this.#closed.signal.aborted) this.#closed.abort(storeClosed(this.topic))
    rows.close(() => storeClosed(this.topic))
    await reader.close()
    await sender.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #write(key: K, value: V | null, { expectedVersion }: WriteOptions): Promise<number> {
    const { commands, clock, writeTimeoutMs } = this.#parts
    if (expectedVersion !== undefined) {
      if (!commands) throw noSingleWriter(this.topic)
      if (!isVersion(expectedVersion)) {
        throw new TypeError(`expectedVersion is ${expectedVersion}: it must be a whole number of at least 0`)
      }
    }
    this.#closed.signal.throwIfAborted()
    const limit = new AbortController()
    const timer = clock.schedule(writeTimeoutMs, () => limit.abort(writeTimeout(this.topic, writeTimeoutMs)))
    const signal = AbortSignal.any([this.#closed.signal, limit.signal])
    try {
      await untilAborted(this.ready, signal)
      return await untilAborted(this.#writeUntil(key, value, { expectedVersion, signal }), signal)
    } finally {
      timer.cancel()
    }
  }

  async #writeUntil(
    key: K,
    value: V | null,
    { expectedVersion, signal }: { expectedVersion: number | undefined; readonly signal: AbortSignal },
  ): Promise<number> {
    const { commands, sender } = this.#parts
    const record = await this.#record(key, value, commands ? commandsTopic(this.topic) : this.topic)
    if (!commands) {
      await sender.send({ ...record, headers: [] })
      await this.#shown(signal)
      return 0
    }
    this.#refuseUnversioned(key, expectedVersion)
    const answer = await commands.ask(record, { expectedVersion, signal })
    await this.#shown(signal)
    if (answer.isAccepted) return answer.version
    throw new VersionConflictError(this.topic, key, {
      expectedVersion: expectedVersion ?? 0,
      currentVersion: answer.version,
    })
  }

  /**
   * Throws where the row is from before the store had a single writer, which knows nothing of it: what was
   * meant for a row that is not there would replace it.
   */
  #refuseUnversioned(key: K, expectedVersion: number | undefined): void {
    if (expectedVersion !== 0 || this.entry(key)?.version !== 0) return
    throw new StreamsError(
      'ROW_WITHOUT_VERSION',
      `store "${this.topic}": the row has no version, since it was not written by the single writer: put it once without expectedVersion`,
    )
  }

  /**
   * Resolves when everything that the topic holds now is shown. A reader that fails meanwhile is waited for:
   * it loads the topic anew.
   */
  async #shown(signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#parts
    for (;;) {
      try {
        await reader.caughtUp()
        return
      } catch (error) {
        if (signal.aborted) throw error
        await this.ready
        await clock.sleep(AFTER_ERROR_MS, signal)
      }
    }
  }

  /** A serde may have to fetch its schema first. */
  async #record(key: K, value: V | null, topic: string): Promise<Omit<OutgoingRecord, 'headers'>> {
    const { keySerde, valueSerde, clock, reader } = this.#parts
    const partitionCount = await reader.partitionCount(topic)
    for (;;) {
      try {
        // Of the store's topic, whichever topic carries it there.
        const context = { topic: this.topic }
        const keyBytes = keySerde.serialize(key, context)
        const bytes = value === null ? null : valueSerde.serialize(value, context)
        const partition = partitionForKey(keyBytes, partitionCount)
        return { topic, partition, key: keyBytes, value: bytes, timestamp: clock.nowMs() }
      } catch (error) {
        if (!(error instanceof SerdePendingError)) throw error
        await error.settled
      }
    }
  }
}

/** As `abortable`, but rejects with the reason of the signal. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await abortable(promise, signal)
  } catch (error) {
    // The work that is left behind may fail later, which then is nobody's concern.
    promise.catch(() => undefined)
    if (signal.aborted && (error as { code?: unknown }).code === 'ABORTED') throw signal.reason
    throw error
  }
}
