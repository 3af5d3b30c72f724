import { bytesToMapKey } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { Serde } from '../../serde/serde.ts'

/** A row, as every reader gets it: the value is frozen. */
export interface StoreRow<K, V> {
  readonly key: K
  readonly value: V
  /** That of the single writer; 0 without one. */
  readonly version: number
  /** Of the record, in milliseconds. */
  readonly timestamp: number
  readonly offset: number
  readonly sizeBytes: number
}

/** A change of a row. */
export interface RowChange<K, V> {
  readonly key: K
  /** null: the row was deleted. */
  readonly value: V | null
  /** null: there was none. */
  readonly oldValue: V | null
  readonly timestamp: number
}

/** Bytes of the heap that a row takes beside its value, estimated. */
const ROW_BYTES = 150

/** All rows of one load of the topic. */
export class RowTable<K, V> {
  readonly rows = new Map<unknown, StoreRow<K, V>>()
  #valueBytes = 0

  get sizeBytes(): number {
    return this.#valueBytes + this.rows.size * ROW_BYTES
  }

  set(id: unknown, row: StoreRow<K, V> | undefined): StoreRow<K, V> | undefined {
    const old = this.rows.get(id)
    this.#valueBytes += (row?.sizeBytes ?? 0) - (old?.sizeBytes ?? 0)
    if (row) this.rows.set(id, row)
    else this.rows.delete(id)
    return old
  }
}

/**
 * Rows in memory. They are shown once a load of the topic is whole; while it is loaded anew, after a failure,
 * the rows before that are shown, so that no reader sees one go back.
 */
export class RowMap<K, V> {
  readonly #topic: string
  readonly #keySerde: Serde<K>
  readonly #listeners = new Set<(change: RowChange<K, V>) => void>()
  #shown: RowTable<K, V> | undefined
  #loading: RowTable<K, V> | undefined
  #whyClosed: (() => Error) | undefined

  constructor(topic: string, keySerde: Serde<K>) {
    this.#topic = topic
    this.#keySerde = keySerde
  }

  /** The rows that are shown. Throws `NOT_READY` before the first load is whole, and once it is closed. */
  get rows(): ReadonlyMap<unknown, StoreRow<K, V>> {
    if (this.#shown) return this.#shown.rows
    if (this.#whyClosed) throw this.#whyClosed()
    throw new StreamsError(
      'NOT_READY',
      `the store "${this.#topic}" is being loaded: wait for its "ready" before you read`,
    )
  }

  get sizeBytes(): number {
    return this.#shown?.sizeBytes ?? 0
  }

  get size(): number {
    return this.#shown?.rows.size ?? 0
  }

  get(key: K): StoreRow<K, V> | undefined {
    return this.rows.get(typeof key === 'object' ? this.idOf(key) : key)
  }

  /** The key itself where it is a primitive, else its bytes as text: objects are equal by their bytes. */
  idOf(key: K): unknown {
    if (typeof key !== 'object' || key === null) return key
    return bytesToMapKey(this.#keySerde.serialize(key, { topic: this.#topic }))
  }

  /** Begins a load. What was loaded before and not shown is dropped. */
  begin(): RowTable<K, V> {
    this.#loading = new RowTable<K, V>()
    return this.#loading
  }

  /** Sets a row, or with undefined deletes it, and tells listeners where the table is shown. */
  set(table: RowTable<K, V>, key: K, row: StoreRow<K, V> | undefined, timestamp: number): void {
    const old = table.set(this.idOf(key), row)
    if (table !== this.#shown || (!row && !old)) return
    this.#tell({ key, value: row?.value ?? null, oldValue: old?.value ?? null, timestamp })
  }

  /** Shows what was loaded. Listeners are told how it differs from what was shown before. */
  show(): void {
    const [before, after] = [this.#shown, this.#loading]
    if (!after || this.#whyClosed) return
    this.#shown = after
    this.#loading = undefined
    if (!before || this.#listeners.size === 0) return
    for (const [id, { key, value, timestamp }] of before.rows)
      if (!after.rows.has(id)) this.#tell({ key, value: null, oldValue: value, timestamp })
    for (const [id, row] of after.rows) {
      const old = before.rows.get(id)
      if (old && isSame(old, row)) continue
      this.#tell({ key: row.key, value: row.value, oldValue: old?.value ?? null, timestamp: row.timestamp })
    }
  }

  /** Shows nothing any more: reads throw what `why` makes. */
  close(why: () => Error): void {
    this.#whyClosed ??= why
    this.#shown = undefined
    this.#loading = undefined
    this.#listeners.clear()
  }

  /** Returns a function that ends it. */
  onChange(listener: (change: RowChange<K, V>) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(change: RowChange<K, V>): void {
    for (const listener of this.#listeners) listener(change)
  }
}

function isSame<K, V>(left: StoreRow<K, V>, right: StoreRow<K, V>): boolean {
  return left.offset === right.offset && left.version === right.version && left.timestamp === right.timestamp
}
