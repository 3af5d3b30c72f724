import type { Processor } from '../../processor/processor.ts'
import type { TableOperator, TableValueGetter } from './table-operator.ts'
import { storeValues } from './table-operator.ts'

/** A table that always has its store: aggregations. */
export abstract class StoredTable implements TableOperator {
  protected readonly storeName: string
  protected sendOldValues = false
  readonly #historyRetentionMs: number | undefined

  /** `historyRetentionMs`: history of a versioned store. */
  constructor(storeName: string, historyRetentionMs?: number) {
    this.storeName = storeName
    this.#historyRetentionMs = historyRetentionMs
  }

  abstract get(): Processor

  requestOldValues(): boolean {
    this.sendOldValues = true
    return true
  }

  values(): TableValueGetter {
    return storeValues(this.storeName, this.#historyRetentionMs)
  }

  isVersioned(): boolean {
    return this.#historyRetentionMs !== undefined
  }
}
