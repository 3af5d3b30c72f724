import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { TimestampedKeyValueStore, ValueAndTimestamp } from '../../store/key-value-store.ts'
import { ChangeForwarder } from '../change-forwarder.ts'
import { Change } from '../change.ts'
import type { Mapper } from '../functions.ts'
import type { TablePart } from '../part.ts'
import type { TableOperator, TableValues, ValueReader } from '../table-operator.ts'
import { storeValues } from '../table-operator.ts'

export interface Derivation {
  /** The row of the new table; null: none. Called for rows, never for deletions. */
  readonly compute: Mapper<unknown, unknown, unknown>
  /** A change from no row to no row is not handed on (if old values are known). */
  readonly dropsNothingToNothing: boolean
}

/**
 * A table whose rows are computed one by one from those of its parent (`filter`, `mapValues`): kept in a store if the user
 * named one, otherwise computed anew at each lookup.
 */
export class DerivedTable implements TableOperator {
  readonly #parent: TableOperator
  readonly #derivation: Derivation
  readonly #storeName: string | undefined
  #sendOldValues: boolean

  constructor(parent: TablePart, derivation: Derivation, storeName: string | undefined) {
    this.#parent = parent.operator
    this.#derivation = derivation
    this.#storeName = storeName
    // Where old values can be had for nothing, they save tombstones for rows that were never there.
    this.#sendOldValues = derivation.dropsNothingToNothing && parent.operator.requestOldValues(false)
  }

  get(): Processor {
    return this.#storeName === undefined
      ? new ComputingProcessor(this.#derivation, this.#sendOldValues)
      : new StoringProcessor(this.#derivation, this.#storeName, this.#sendOldValues)
  }

  requestOldValues(mayMaterialize: boolean): boolean {
    this.#sendOldValues ||= this.#storeName !== undefined || this.#parent.requestOldValues(mayMaterialize)
    return this.#sendOldValues
  }

  values(): TableValues {
    if (this.#storeName !== undefined) return storeValues(this.#storeName)
    const parent = this.#parent.values()
    const reader = () => new ComputingReader(parent.reader(), this.#derivation.compute)
    return { storeNames: parent.storeNames, reader }
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
    this.#context.forward(record.withValue(new Change(newValue, oldValue)))
  }
}

/** The old row is what the store has, whatever the callback would say of it today. */
class StoringProcessor implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #derivation: Derivation
  readonly #storeName: string
  readonly #sendOldValues: boolean
  #store!: TimestampedKeyValueStore<unknown, unknown>
  #forwarder!: ChangeForwarder<unknown, unknown>

  constructor(derivation: Derivation, storeName: string, sendOldValues: boolean) {
    this.#derivation = derivation
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    this.#store = context.getStateStore(this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { compute, dropsNothingToNothing } = this.#derivation
    const { key, value: change, timestamp } = record
    const value = change.newValue === null ? null : compute(change.newValue, key)
    const oldValue = this.#sendOldValues ? (this.#store.get(key)?.value ?? null) : null
    if (dropsNothingToNothing && this.#sendOldValues && value === null && oldValue === null) return
    this.#store.put(key, value === null ? null : { value, timestamp })
    this.#forwarder.forward(record, value, oldValue, timestamp)
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
    const found = this.#parent.get(key)
    if (!found) return undefined
    const value = this.#compute(found.value, key)
    return value === null ? undefined : { value, timestamp: found.timestamp }
  }

  close(): void {
    this.#parent.close?.()
  }
}
