import type { ProcessorContext } from '../processor/processor-context.ts'
import type { ProcessorSupplier } from '../processor/processor.ts'
import type { TimestampedKeyValueStore, ValueAndTimestamp } from '../store/key-value-store.ts'

/**
 * The operator that makes a table: it supplies the processor, and answers what tables and joins below it ask of it while
 * the graph is being built.
 */
export interface TableOperator extends ProcessorSupplier {
  /**
   * An operator below needs the old value with each change. Where old values can only be had by giving a source table a store, that
   * happens if `mayMaterialize`, and false is the answer otherwise.
   */
  requestOldValues(mayMaterialize: boolean): boolean
  /** Of an aggregation in windows: how long after its end a window closes. */
  readonly closeDelayMs?: number | undefined
  /** How to look a key of this table up from another node. May give the table a store. */
  values(): TableValues
}

export interface TableValues {
  /** Stores to connect to the node that looks up. */
  readonly storeNames: readonly string[]
  /** A new one for each processor. */
  reader(): ValueReader
}

export interface ValueReader {
  init(context: ProcessorContext): void
  get(key: unknown): ValueAndTimestamp<unknown> | undefined
  /** Where the reader runs user code that must be closed. */
  close?(): void
}

/** A table that is kept in a store is looked up there. */
export function storeValues(storeName: string): TableValues {
  return { storeNames: [storeName], reader: () => new StoreReader(storeName) }
}

class StoreReader implements ValueReader {
  readonly #storeName: string
  #store!: TimestampedKeyValueStore<unknown, unknown>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore(this.#storeName)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    return this.#store.get(key)
  }
}
