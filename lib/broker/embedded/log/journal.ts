/** Collects the writes of one batch. */
export interface WriteBatch {
  put(key: string, value: Uint8Array): void
  putJson(key: string, value: unknown): void
  delete(key: string): void
}

/**
 * State that writes itself into the next batch after it was touched, and hears when that batch is on disk.
 */
export interface Persistent {
  writeTo(batch: WriteBatch): void
  written?(): void
}

/**
 * Where a durable broker keeps its state. Everything touched in one turn goes into one atomic batch, in
 * order; while a batch is being written the next one collects. A broker in memory has no journal.
 */
export interface Journal {
  touch(item: Persistent): void
  /** For state that is one small value. */
  putJson(key: string, value: unknown): void
  delete(key: string): void
  /** Bytes of records that were appended and are not on disk yet; producers stop being writable over it. */
  readonly pendingBytes: number
  addPendingBytes(bytes: number): void
  /** The entry, decoded. Throws `BROKER_STORAGE_DAMAGED` where it is not there, or makes no sense. */
  read<T>(key: string, decode: (value: Uint8Array) => T): T
  /** Resolves when everything so far is on disk. */
  settled(): Promise<void>
  close(): Promise<void>
}
