import type {
  GlobalKTable,
  KGroupedStream,
  KGroupedTable,
  KStream,
  KTable,
} from '../../lib/dsl/api/kstream.ts'
import type { BuildOptions } from '../../lib/dsl/options/build-options.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { StoreBuilder } from '../../lib/store/contract/state-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { Topology } from '../../lib/topology/topology.ts'
import type { Case, Operation } from './case.ts'
import { text, texts, Unsupported } from './case.ts'
import { processorSupplier } from './processors.ts'
import { serdeOf } from './serdes.ts'
import { buildOptionsOf } from './settings.ts'
import type { WindowedBound } from './windowed-operations.ts'

/** What an `id` of a case is bound to. The same operation may be there for several kinds. */
export type Bound =
  | { readonly kind: 'stream'; readonly stream: KStream<unknown, unknown> }
  | { readonly kind: 'table'; readonly table: KTable<unknown, unknown> }
  | { readonly kind: 'global-table'; readonly table: GlobalKTable<unknown, unknown> }
  | { readonly kind: 'grouped-stream'; readonly group: KGroupedStream<unknown, unknown> }
  | { readonly kind: 'grouped-table'; readonly group: KGroupedTable<unknown, unknown> }
  | WindowedBound

type TableOfCase = Extract<Bound, { kind: 'table' }>['table']

/** Cases are not typed: null may come out of everything. */
export function tableOf(table: object): Bound {
  return { kind: 'table', table: table as TableOfCase }
}

export function groupedStreamOf(group: object): Bound {
  return { kind: 'grouped-stream', group: group as KGroupedStream<unknown, unknown> }
}

export function groupedTableOf(group: object): Bound {
  return { kind: 'grouped-table', group: group as KGroupedTable<unknown, unknown> }
}

export interface StoreDescription {
  readonly [field: string]: unknown
}

/** The state of building one case. */
export class Program {
  readonly builder = new StreamsBuilder()
  readonly trace: unknown[] = []
  readonly #bound = new Map<string, Bound>()
  readonly #storeKinds = new Map<string, string>()
  readonly #storesInMemory: boolean
  readonly #buildOptions: BuildOptions
  #topology: Topology | undefined
  #usesDsl = false

  constructor(test: Case) {
    this.#buildOptions = buildOptionsOf(test)
    this.#storesInMemory = test.config?.['dsl.store.suppliers.class'] !== 'rocksdb'
  }

  /** What `build` gives at the first call; operations of the Processor API add to it. */
  topology(): Topology {
    this.#topology ??= this.#usesDsl ? this.builder.build(this.#buildOptions) : new Topology()
    return this.#topology
  }

  useDsl(): StreamsBuilder {
    this.#usesDsl = true
    return this.builder
  }

  bind(id: string | undefined, bound: Bound): void {
    if (id !== undefined) this.#bound.set(id, bound)
  }

  operand(operation: Operation, field: 'of' | 'with'): Bound {
    const found = this.#bound.get(text(operation, field) ?? '')
    if (!found) throw new Error(`no such operand: ${JSON.stringify(operation)}`)
    return found
  }

  /** Settings of the table's store; the default of the cases is a store in memory. */
  materialized(store: StoreDescription): { [option: string]: unknown } {
    const inMemory = store['type'] === undefined ? this.#storesInMemory : store['type'] === 'in-memory'
    return {
      ...('lru' in store
        ? { storeType: 'lru', entriesMax: store['lru'] }
        : { storeType: inMemory ? 'in-memory' : 'persistent' }),
      ...serdesOf(store),
      ...(store['name'] !== undefined && { storeName: store['name'] }),
      ...(store['retentionMs'] !== undefined && { retentionMs: store['retentionMs'] }),
      ...(store['historyMs'] !== undefined && { historyRetentionMs: store['historyMs'] }),
      ...(store['caching'] !== undefined && { caching: store['caching'] }),
      ...(store['logging'] === false && { logging: false }),
    }
  }

  storeBuilder(description: StoreDescription): StoreBuilder {
    const type = text(description, 'type') ?? 'keyValue'
    const options = {
      name: text(description, 'name') ?? '',
      keySerde: serdeOf(text(description, 'keySerde') ?? 'string'),
      valueSerde: serdeOf(text(description, 'valueSerde') ?? 'string'),
      persistent: description['persistent'] === true,
      caching: description['caching'] === true,
      logging: description['logging'] === false ? (false as const) : {},
    }
    this.#storeKinds.set(options.name, type)
    const retentionMs = Number(description['retentionMs'])
    switch (type) {
      case 'keyValue':
        return stores.keyValueStore(options)
      case 'timestampedKeyValue':
        return stores.timestampedKeyValueStore(options)
      case 'lru':
        return stores.lruMap({ ...options, entriesMax: Number(description['max']) })
      case 'window': {
        const retainDuplicates = description['retainDuplicates'] === true
        const windowSizeMs = Number(description['windowMs'])
        return stores.windowStore({ ...options, retentionMs, windowSizeMs, retainDuplicates })
      }
      case 'versioned':
        return stores.versionedKeyValueStore({
          ...options,
          historyRetentionMs: Number(description['historyMs']),
        })
      case 'session':
        return stores.sessionStore({ ...options, retentionMs })
      default:
        throw new Unsupported(`${type} store`)
    }
  }

  processor(operation: Operation): ReturnType<typeof processorSupplier> {
    const own = (operation['ownStores'] as StoreDescription[] | undefined) ?? []
    const builders = own.map(store => this.storeBuilder(store))
    const names = [
      ...texts(operation, 'stores'),
      ...builders.map(builder => builder.name),
      ...texts(operation, 'globalStores'),
    ]
    return processorSupplier(text(operation, 'processor') ?? '', names, this.#storeKinds, builders)
  }

  /** The processor that fills a store: the store is its first. */
  fillingProcessor(operation: Operation): ReturnType<typeof processorSupplier> {
    const store = operation['store'] as StoreDescription
    const spec = text(operation, 'processor') ?? ''
    return processorSupplier(spec, [text(store, 'name') ?? ''], this.#storeKinds)
  }
}

/** Serdes that an operation names; others are left to the DSL. */
export function serdesOf(fields: { readonly [field: string]: unknown }): { [option: string]: unknown } {
  const keySerde = text(fields, 'keySerde')
  const valueSerde = text(fields, 'valueSerde')
  return {
    ...(keySerde !== undefined && { keySerde: serdeOf(keySerde) }),
    ...(valueSerde !== undefined && { valueSerde: serdeOf(valueSerde) }),
  }
}

export function namedOf(operation: Operation): { name?: string } {
  const name = text(operation, 'name')
  return name === undefined ? {} : { name }
}
