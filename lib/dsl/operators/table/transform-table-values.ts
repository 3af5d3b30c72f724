import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { StoreBuilder } from '../../../store/contract/state-store.ts'
import type { ValueAndTimestamp } from '../../../store/contract/key-value-store.ts'
import { ChangeForwarder } from '../../kit/change-forwarder.ts'
import { Change } from '../../kit/change.ts'
import type { ValueTransformer, ValueTransformerFactory } from '../../options/functions.ts'
import type { TableStore } from '../../kit/materialized.ts'
import { saysMaterialized, storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { TransformValuesOptions } from '../../options/options.ts'
import type { TableHandle } from '../../kit/handles.ts'
import type { RowStore } from '../../kit/row-store.ts'
import { rowStore } from '../../kit/row-store.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import type { TableOperator, TableValueGetter, ValueReader } from '../../kit/table-operator.ts'
import { isVersioned, rowAsOf, storeValues } from '../../kit/table-operator.ts'
import { processorRole } from '../../kit/add-node.ts'
import { TransformerContext } from '../../kit/transformer-context.ts'

type AnyTransformer = ValueTransformer<unknown, unknown, unknown>

const PREFIX = 'KTABLE-TRANSFORMVALUES-'

/** The table of `transformValues`: like `mapValues`, with stores, and called for deletions too. */
class TransformedTable implements TableOperator {
  readonly #parent: TableOperator
  readonly #make: () => SynchronousTransformer
  readonly #storeName: string | undefined
  readonly #said: TableStore | undefined
  readonly stores: readonly StoreBuilder[]
  #sendOldValues = false

  /** `said`: the user's options of a store. The table is kept in one only if it has a name. */
  constructor(
    parent: TableHandle,
    factory: ValueTransformerFactory<unknown, unknown, unknown>,
    said: TableStore | undefined,
    node: string,
  ) {
    this.#parent = parent.operator
    const make = typeof factory === 'function' ? factory : () => factory.get()
    this.#make = () => new SynchronousTransformer(make(), node)
    this.stores = (typeof factory === 'function' ? undefined : factory.stores) ?? []
    this.#said = said
    this.#storeName = said?.queryable ? said.name : undefined
  }

  get(): Processor {
    return new TransformValues(this.#make(), this.#storeName, this.#sendOldValues)
  }

  requestOldValues(mayMaterialize: boolean): boolean {
    this.#sendOldValues ||= this.#storeName !== undefined || this.#parent.requestOldValues(mayMaterialize)
    return this.#sendOldValues
  }

  values(): TableValueGetter {
    if (this.#storeName !== undefined) return storeValues(this.#storeName, this.#said?.historyRetentionMs)
    const parent = this.#parent.values()
    const reader = () => new TransformingReader(parent.reader(), this.#make())
    return { ...parent, reader }
  }

  /** Whether the table is versioned: as its parent, unless the user chose the kind of its store. */
  isVersioned(): boolean {
    return this.#said ? this.#said.historyRetentionMs !== undefined : isVersioned(this.#parent)
  }
}

/** A user's transformer with its results checked. */
class SynchronousTransformer implements AnyTransformer {
  readonly #inner: AnyTransformer
  readonly #initOwner: CallbackOwner
  readonly #owner: CallbackOwner

  constructor(inner: AnyTransformer, node: string) {
    this.#initOwner = { callback: 'init of transformValues', node }
    this.#owner = { callback: 'transform of transformValues', node }
    this.#inner = synchronous(inner, { callback: 'the factory of transformValues', node })
  }

  init(context: ProcessorContext): void {
    synchronous<unknown>(this.#inner.init?.(context), this.#initOwner)
  }

  transform(value: unknown, key: unknown): unknown {
    return synchronous(this.#inner.transform(value, key), this.#owner)
  }

  close(): void {
    this.#inner.close?.()
  }
}

/**
 * Transforms changes. Without a store, old rows come from running the transformer again: a stateful one sees
 * it as one more call.
 */
class TransformValues implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #transformer: SynchronousTransformer
  readonly #storeName: string | undefined
  readonly #sendOldValues: boolean
  #context!: ProcessorContext<unknown, Change<unknown>>
  #store: RowStore<unknown, unknown> | undefined
  #forwarder: ChangeForwarder<unknown, unknown> | undefined

  constructor(transformer: SynchronousTransformer, storeName: string | undefined, sendOldValues: boolean) {
    this.#transformer = transformer
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    this.#context = context
    this.#transformer.init(new TransformerContext(context as ProcessorContext))
    if (this.#storeName === undefined) return
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { key, value: change, timestamp } = record
    const value = this.#transformer.transform(change.newValue, key)
    if (!this.#store || !this.#forwarder) {
      const oldValue = this.#sendOldValues ? this.#transformer.transform(change.oldValue, key) : null
      return this.#context.forward(record.withValue(new Change(value, oldValue, change.isLatest)))
    }
    const oldValue = this.#sendOldValues ? (this.#store.get(key)?.value ?? null) : null
    const put = this.#store.put(key, value, timestamp)
    this.#forwarder.forward(record, value, oldValue, timestamp, put)
  }

  close(): void {
    this.#transformer.close()
  }
}

/** Looks the parent's row up and transforms it, with a transformer of its own but the same stores. */
class TransformingReader implements ValueReader {
  readonly #parent: ValueReader
  readonly #transformer: SynchronousTransformer
  #context!: TransformerContext

  constructor(parent: ValueReader, transformer: SynchronousTransformer) {
    this.#parent = parent
    this.#transformer = transformer
  }

  init(context: ProcessorContext): void {
    this.#context = new TransformerContext(context)
    this.#parent.init(context)
    this.#transformer.init(this.#context)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    return this.#transformed(this.#parent.get(key), key)
  }

  getAsOf(key: unknown, timestampMs: number): ValueAndTimestamp<unknown> | undefined {
    return this.#transformed(rowAsOf(this.#parent, key, timestampMs), key)
  }

  close(): void {
    this.#parent.close?.()
    this.#transformer.close()
  }

  #transformed(
    found: ValueAndTimestamp<unknown> | undefined,
    key: unknown,
  ): ValueAndTimestamp<unknown> | undefined {
    const timestamp = found?.timestamp ?? -1
    this.#context.enterRow(timestamp)
    const value = this.#transformer.transform(found ? found.value : null, key)
    this.#context.leaveRow()
    return value === null ? undefined : { value, timestamp }
  }
}

export function transformTableValues<K, V, VR>(
  table: TableHandle,
  factory: ValueTransformerFactory<K, V, VR>,
  options: TransformValuesOptions<K, NonNullable<VR>> = {},
): TableHandle {
  const { graph, keySerde } = table
  const serdes = { keySerde, valueSerde: undefined }
  const store = saysMaterialized(options) ? tableStore(graph, options, PREFIX, serdes) : undefined
  const name = graph.name(options.name, PREFIX)
  const kept = store?.queryable ? store : undefined
  const operator = new TransformedTable(
    table,
    factory as ValueTransformerFactory<unknown, unknown, unknown>,
    store,
    name,
  )
  const role = processorRole({
    supplier: operator,
    stores: options.stores ?? [],
    ownStore: kept && (() => storeBuilder(kept)),
  })
  return {
    graph,
    node: graph.add(name, role, table.node),
    name,
    keySerde: store ? store.keySerde : keySerde,
    valueSerde: store?.valueSerde,
    sources: table.sources,
    operator,
    queryableStoreName: kept?.name,
  }
}
