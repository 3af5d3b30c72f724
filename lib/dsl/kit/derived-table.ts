import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { ValueAndTimestamp } from '../../store/contract/key-value-store.ts'
import { ChangeForwarder } from './change-forwarder.ts'
import { Change } from './change.ts'
import type { Mapper } from '../options/functions.ts'
import type { TableStore } from './materialized.ts'
import type { TableHandle } from './handles.ts'
import type { TableOperator, TableValueGetter, ValueReader } from './table-operator.ts'
import { isVersioned, rowAsOf, storeValues } from './table-operator.ts'
import type { RowStore } from './row-store.ts'
import { rowStore } from './row-store.ts'

export interface Derivation {
  /** Computes the row of the new table; null: none. Called for rows, never for deletions. */
  readonly compute: Mapper<unknown, unknown, unknown>
  /** Whether a change from no row to no row is dropped (if old values are known). */
  readonly dropsNothingToNothing: boolean
}

/**
 * A table whose rows are computed one by one from those of its parent (`filter`, `mapValues`): kept in a
 * store if the user named one, otherwise computed anew at each lookup.
 */
export class DerivedTable implements TableOperator {
  readonly #parent: TableOperator
  readonly #derivation: Derivation
  readonly #storeName: string | undefined
  readonly #said: TableStore | undefined
  #sendOldValues: boolean

  /** `said`: the user's options of a store. The table is kept in one only if it has a name. */
  constructor(parent: TableHandle, derivation: Derivation, said: TableStore | undefined) {
    this.#parent = parent.operator
    this.#derivation = derivation
    this.#said = said
    this.#storeName = said?.queryable ? said.name : undefined
    // Old values that cost nothing are used: they save tombstones for rows that were never there.
    this.#sendOldValues = derivation.dropsNothingToNothing && parent.operator.requestOldValues(false)
  }

  get(): Processor {
    // A versioned parent sends rows that are not the latest: a change from nothing to nothing may then lie
    // between others.
    const dropsNothingToNothing = this.#derivation.dropsNothingToNothing && !isVersioned(this.#parent)
    const derivation = { ...this.#derivation, dropsNothingToNothing }
    return this.#storeName === undefined
      ? new ComputingProcessor(derivation, this.#sendOldValues)
      : new StoringProcessor(derivation, this.#storeName, this.#sendOldValues)
  }

  /** Whether the table is versioned: as its parent, unless the user chose the kind of its store. */
  isVersioned(): boolean {
    return this.#said ? this.#said.historyRetentionMs !== undefined : isVersioned(this.#parent)
  }

  requestOldValues(mayMaterialize: boolean): boolean {
    this.#sendOldValues ||= this.#storeName !== undefined || this.#parent.requestOldValues(mayMaterialize)
    return this.#sendOldValues
  }

  values(): TableValueGetter {
    if (this.#storeName !== undefined) return storeValues(this.#storeName, this.#said?.historyRetentionMs)
    const parent = this.#parent.values()
    const reader = () => new ComputingReader(parent.reader(), this.#derivation.compute)
    return { ...parent, reader }
  }
}

/** Computes the old row anew instead of keeping it, so the callback must give the same for the same row. */
class ComputingProcessor implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #derivation: Derivation
  readonly #sendOldValues: boolean
  #context!: ProcessorContext<unknown, Change<unknown>>

  constructor(derivation: Derivation, sendOldValues: boolean) {
    this.#derivation = derivation
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    this.#context = context
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { compute, dropsNothingToNothing } = this.#derivation
    const { key, value: change } = record
    const newValue = change.newValue === null ? null : compute(change.newValue, key)
    const oldValue = this.#sendOldValues && change.oldValue !== null ? compute(change.oldValue, key) : null
    if (dropsNothingToNothing && this.#sendOldValues && newValue === null && oldValue === null) return
    this.#context.forward(record.withValue(new Change(newValue, oldValue, change.isLatest)))
  }
}

/** Keeps rows in a store, and takes old rows from it, whatever the callback would return today. */
class StoringProcessor implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #derivation: Derivation
  readonly #storeName: string
  readonly #sendOldValues: boolean
  #store!: RowStore<unknown, unknown>
  #forwarder!: ChangeForwarder<unknown, unknown>

  constructor(derivation: Derivation, storeName: string, sendOldValues: boolean) {
    this.#derivation = derivation
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { compute, dropsNothingToNothing } = this.#derivation
    const { key, value: change, timestamp } = record
    const value = change.newValue === null ? null : compute(change.newValue, key)
    const oldValue = this.#sendOldValues ? (this.#store.get(key)?.value ?? null) : null
    if (dropsNothingToNothing && this.#sendOldValues && value === null && oldValue === null) return
    const put = this.#store.put(key, value, timestamp)
    this.#forwarder.forward(record, value, oldValue, timestamp, put)
  }
}

/** Looks the parent's row up and computes; the result has the timestamp of the parent's row. */
class ComputingReader implements ValueReader {
  readonly #parent: ValueReader
  readonly #compute: Mapper<unknown, unknown, unknown>

  constructor(parent: ValueReader, compute: Mapper<unknown, unknown, unknown>) {
    this.#parent = parent
    this.#compute = compute
  }

  init(context: ProcessorContext): void {
    this.#parent.init(context)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    return this.#computed(this.#parent.get(key), key)
  }

  getAsOf(key: unknown, timestampMs: number): ValueAndTimestamp<unknown> | undefined {
    return this.#computed(rowAsOf(this.#parent, key, timestampMs), key)
  }

  close(): void {
    this.#parent.close?.()
  }

  #computed(
    found: ValueAndTimestamp<unknown> | undefined,
    key: unknown,
  ): ValueAndTimestamp<unknown> | undefined {
    if (!found) return undefined
    const value = this.#compute(found.value, key)
    return value === null ? undefined : { value, timestamp: found.timestamp }
  }
}
