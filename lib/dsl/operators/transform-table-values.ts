import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { StoreBuilder } from '../../store/state-store.ts'
import type { TimestampedKeyValueStore, ValueAndTimestamp } from '../../store/key-value-store.ts'
import { ChangeForwarder } from '../change-forwarder.ts'
import { Change } from '../change.ts'
import type { ValueTransformer, ValueTransformerFactory } from '../functions.ts'
import { saysMaterialized, storeBuilder, tableStore } from '../materialized.ts'
import type { TransformValuesOptions } from '../options.ts'
import type { TablePart } from '../part.ts'
import type { TableOperator, TableValues, ValueReader } from '../table-operator.ts'
import { storeValues } from '../table-operator.ts'
import { processorRole } from './add-node.ts'
import { TransformerContext } from './transformer-context.ts'

type AnyTransformer = ValueTransformer<unknown, unknown, unknown>

const PREFIX = 'KTABLE-TRANSFORMVALUES-'

/** `transformValues`: as `mapValues`, with stores, and called for deletions too. */
class TransformedTable implements TableOperator {
  readonly #parent: TableOperator
  readonly #factory: () => AnyTransformer
  readonly #storeName: string | undefined
  readonly stores: readonly StoreBuilder[]
  #sendOldValues = false

  constructor(
    parent: TablePart,
    factory: ValueTransformerFactory<unknown, unknown, unknown>,
    storeName: string | undefined,
  ) {
    this.#parent = parent.operator
    this.#factory = typeof factory === 'function' ? factory : () => factory.get()
    this.stores = (typeof factory === 'function' ? undefined : factory.stores) ?? []
    this.#storeName = storeName
  }

  get(): Processor {
    return new TransformValues(this.#factory(), this.#storeName, this.#sendOldValues)
  }

  requestOldValues(mayMaterialize: boolean): boolean {
    this.#sendOldValues ||= this.#storeName !== undefined || this.#parent.requestOldValues(mayMaterialize)
    return this.#sendOldValues
  }

  values(): TableValues {
    if (this.#storeName !== undefined) return storeValues(this.#storeName)
    const parent = this.#parent.values()
    const reader = () => new TransformingReader(parent.reader(), this.#factory())
    return { storeNames: parent.storeNames, reader }
  }
}

/** Without a store, the old row is got by running the transformer again: a stateful one sees it as one more call. */
class TransformValues implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #transformer: AnyTransformer
  readonly #storeName: string | undefined
  readonly #sendOldValues: boolean
  #context!: ProcessorContext<unknown, Change<unknown>>
  #store: TimestampedKeyValueStore<unknown, unknown> | undefined
  #forwarder: ChangeForwarder<unknown, unknown> | undefined

  constructor(transformer: AnyTransformer, storeName: string | undefined, sendOldValues: boolean) {
    this.#transformer = transformer
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    this.#context = context
    this.#transformer.init?.(new TransformerContext(context as ProcessorContext))
    if (this.#storeName === undefined) return
    this.#store = context.getStateStore<TimestampedKeyValueStore<unknown, unknown>>(this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { key, value: change, timestamp } = record
    const value = this.#transformer.transform(change.newValue, key)
    if (!this.#store || !this.#forwarder) {
      const oldValue = this.#sendOldValues ? this.#transformer.transform(change.oldValue, key) : null
      return this.#context.forward(record.withValue(new Change(value, oldValue)))
    }
    const oldValue = this.#sendOldValues ? (this.#store.get(key)?.value ?? null) : null
    this.#store.put(key, value === null ? null : { value, timestamp })
    this.#forwarder.forward(record, value, oldValue, timestamp)
  }

  close(): void {
    this.#transformer.close?.()
  }
}

/** Looks the parent's row up and transforms it, with a transformer of its own but the same stores. */
class TransformingReader implements ValueReader {
  readonly #parent: ValueReader
  readonly #transformer: AnyTransformer
  #context!: TransformerContext

  constructor(parent: ValueReader, transformer: AnyTransformer) {
    this.#parent = parent
    this.#transformer = transformer
  }

  init(context: ProcessorContext): void {
    this.#context = new TransformerContext(context)
    this.#parent.init(context)
    this.#transformer.init?.(this.#context)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    const found = this.#parent.get(key)
    const timestamp = found?.timestamp ?? -1
    this.#context.enterRow(timestamp)
    const value = this.#transformer.transform(found ? found.value : null, key)
    this.#context.leaveRow()
    return value === null ? undefined : { value, timestamp }
  }

  close(): void {
    this.#parent.close?.()
    this.#transformer.close?.()
  }
}

export function transformTableValues<K, V, VR>(
  table: TablePart,
  factory: ValueTransformerFactory<K, V, VR>,
  options: TransformValuesOptions<K, NonNullable<VR>> = {},
): TablePart {
  const { graph, keySerde } = table
  const serdes = { keySerde, valueSerde: undefined }
  const store = saysMaterialized(options) ? tableStore(graph, options, PREFIX, serdes) : undefined
  const name = graph.name(options.name, PREFIX)
  const kept = store?.queryable ? store : undefined
  const operator = new TransformedTable(
    table,
    factory as ValueTransformerFactory<unknown, unknown, unknown>,
    kept?.name,
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
