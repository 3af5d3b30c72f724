import { StreamsError } from '../common/errors/errors.ts'
import { parseTaskId } from '../common/ids.ts'
import type { Supervisor } from '../runtime/thread/supervisor.ts'
import type { ReadOnlyKeyValueStore, ValueAndTimestamp } from '../store/contract/key-value-store.ts'
import type { ReadOnlySessionStore } from '../store/contract/session-store.ts'
import type { StateStore } from '../store/contract/state-store.ts'
import type { ReadOnlyVersionedStore } from '../store/contract/versioned-key-value-store.ts'
import type { ReadOnlyWindowStore } from '../store/contract/window-store.ts'
import { readOnlySessionView } from '../store/views/read-only-session-view.ts'
import { readOnlyView, type Isolation } from '../store/views/read-only-view.ts'
import { readOnlyWindowView } from '../store/views/read-only-window-view.ts'
import { versionedView } from '../store/views/versioned-view.ts'
import { CompositeSessionStore } from './composite/composite-session-store.ts'
import { CompositeStore } from './composite/composite-store.ts'
import { CompositeVersionedStore } from './composite/composite-versioned-store.ts'
import { CompositeWindowStore } from './composite/composite-window-store.ts'
import { FanOut } from './composite/fan-out.ts'
import type { StoreCatalogue } from './store-catalogue.ts'
import type { StoreQueryOptions } from './store-query-options.ts'

type Show<V> = (stored: unknown) => V

/**
 * Stores for readers from outside the record path: each over all tasks of this process. Every method throws
 * `UNKNOWN_STORE`.
 */
export class StoreReader {
  readonly #stores: StoreCatalogue
  readonly #supervisor: () => Supervisor | undefined

  constructor(stores: StoreCatalogue, supervisor: () => Supervisor | undefined) {
    this.#stores = stores
    this.#supervisor = supervisor
  }

  /** Values without their timestamps, in a store that has some. */
  values<K, V>(name: string, options: StoreQueryOptions): ReadOnlyKeyValueStore<K, V> {
    return this.#keyValues(name, options, this.#plainly<V>(name))
  }

  /** Values with their timestamps. Throws `STORE_NOT_TIMESTAMPED`. */
  timestampedValues<K, V>(
    name: string,
    options: StoreQueryOptions,
  ): ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>> {
    this.#checkTimestamped(name, 'store')
    return this.#keyValues(name, options, stored => stored as ValueAndTimestamp<V>)
  }

  windows<K, V>(name: string, options: StoreQueryOptions): ReadOnlyWindowStore<K, V> {
    return this.#windows(name, options, this.#plainly<V>(name))
  }

  /** Values of windows with their timestamps. Throws `STORE_NOT_TIMESTAMPED`. */
  timestampedWindows<K, V>(
    name: string,
    options: StoreQueryOptions,
  ): ReadOnlyWindowStore<K, ValueAndTimestamp<V>> {
    this.#checkTimestamped(name, 'windowStore')
    return this.#windows(name, options, stored => stored as ValueAndTimestamp<V>)
  }

  sessions<K, V>(name: string, options: StoreQueryOptions): ReadOnlySessionStore<K, V> {
    return new CompositeSessionStore(
      this.#fanOut<ReadOnlySessionStore<K, V>>(name, options, readOnlySessionView),
    )
  }

  versions<K, V>(name: string, options: StoreQueryOptions): ReadOnlyVersionedStore<K, V> {
    return new CompositeVersionedStore(
      this.#fanOut<ReadOnlyVersionedStore<K, V>>(name, options, versionedView),
    )
  }

  #keyValues<K, V>(name: string, options: StoreQueryOptions, show: Show<V>): ReadOnlyKeyValueStore<K, V> {
    const fanOut = this.#fanOut<ReadOnlyKeyValueStore<K, unknown>>(name, options, readOnlyView)
    return new CompositeStore(fanOut, show)
  }

  #windows<K, V>(name: string, options: StoreQueryOptions, show: Show<V>): ReadOnlyWindowStore<K, V> {
    const fanOut = this.#fanOut<ReadOnlyWindowStore<K, unknown>>(name, options, readOnlyWindowView)
    return new CompositeWindowStore(fanOut, show)
  }

  /** The store's parts here, each made readable by `view`. */
  #fanOut<P>(
    name: string,
    options: StoreQueryOptions,
    view: (store: StateStore, options: { readonly isolation: Isolation }) => P,
  ): FanOut<P, unknown> {
    this.#stores.entry(name)
    const { isolation = 'committed', partition } = options
    const parts = () => this.#storesOf(name, options).map(store => view(store, { isolation }))
    // A caller who asks for one part knows which keys it has.
    const onMissing =
      partition === undefined ? (key: unknown) => this.#stores.checkHere(name, key) : () => undefined
    return new FanOut(name, parts, onMissing)
  }

  /** The store of that name in each task of this process, or only in the task of one partition. */
  #storesOf(name: string, { partition }: StoreQueryOptions): readonly StateStore[] {
    const supervisor = this.#supervisor()
    const global = supervisor?.globalStore(name)
    if (global) return [global]
    return (supervisor?.tasks ?? [])
      .filter(({ id }) => partition === undefined || parseTaskId(id).partition === partition)
      .flatMap(task => task.state.store(name) ?? [])
  }

  #plainly<V>(name: string): Show<V> {
    const { timestamped } = this.#stores.entry(name).plan.builder
    return timestamped ? stored => (stored as ValueAndTimestamp<V>).value : stored => stored as V
  }

  #checkTimestamped(name: string, method: 'store' | 'windowStore'): void {
    if (this.#stores.entry(name).plan.builder.timestamped) return
    throw new StreamsError(
      'STORE_NOT_TIMESTAMPED',
      `store "${name}" keeps no timestamps: read it by ${method}("${name}")`,
    )
  }
}
