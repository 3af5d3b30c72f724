import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { ProcessorSupplier } from '../../processor/processor.ts'
import type { ValueAndTimestamp } from '../../store/contract/key-value-store.ts'
import type { RowStore } from './row-store.ts'
import { rowStore } from './row-store.ts'

/**
 * The operator that makes a table: it supplies the processor, and answers what tables and joins below it ask
 * of it while the graph is being built.
 */
export interface TableOperator extends ProcessorSupplier {
  /**
   * Asks for old values with each change, for an operator below. Where they can only be had by giving a
   * source table a store, this happens if `mayMaterialize`; otherwise the result is false.
   */
  requestOldValues(mayMaterialize: boolean): boolean
  /** Time after its end at which a window closes, in an aggregation in windows. */
  readonly closeDelayMs?: number | undefined
  /** Returns how other nodes look up rows of this table. May give the table a store. */
  values(): TableValueGetter
  /**
   * Whether the table's changes tell which of them came out of order (KIP-914); without the method they never
   * do.
   */
  isVersioned?(): boolean
}

export interface TableValueGetter {
  /** Stores to connect to the node that looks up. */
  readonly storeNames: readonly string[]
  /** Makes a reader: a new one for each processor. */
  reader(): ValueReader
  /** How far back rows of a versioned table can be asked for. */
  readonly historyRetentionMs?: number | undefined
}

export interface ValueReader {
  init(context: ProcessorContext): void
  get(key: unknown): ValueAndTimestamp<unknown> | undefined
  /**
   * The row of a time, where the table is versioned; otherwise, and without the method, there is only the
   * present row.
   */
  getAsOf?(key: unknown, timestampMs: number): ValueAndTimestamp<unknown> | undefined
  /** Closes the reader, where it runs user code that must be closed. */
  close?(): void
}

/** A table that is kept in a store is looked up there. */
export function storeValues(storeName: string, historyRetentionMs?: number): TableValueGetter {
  return { storeNames: [storeName], reader: () => new StoreReader(storeName), historyRetentionMs }
}

export function rowAsOf(
  reader: ValueReader,
  key: unknown,
  timestampMs: number,
): ValueAndTimestamp<unknown> | undefined {
  return reader.getAsOf ? reader.getAsOf(key, timestampMs) : reader.get(key)
}

/** Whether operators below are to ignore changes that came out of order. */
export function isVersioned(operator: TableOperator): boolean {
  return operator.isVersioned?.() ?? false
}

class StoreReader implements ValueReader {
  readonly #storeName: string
  #store!: RowStore<unknown, unknown>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext): void {
    this.#store = rowStore(context, this.#storeName)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    return this.#store.get(key)
  }

  getAsOf(key: unknown, timestampMs: number): ValueAndTimestamp<unknown> | undefined {
    return this.#store.getAsOf(key, timestampMs)
  }
}
