import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { StoreBuilder } from '../../store/contract/state-store.ts'

/**
 * Callbacks of the DSL: the value first, the key second, everywhere. All are called synchronously, once a
 * record; a promise from one is an `AsyncCallbackError`.
 */

/** Holds where the answer is truthy, as in `Array.filter`. */
export type Predicate<K, V> = (value: V, key: K) => boolean
export type Mapper<K, V, R> = (value: V, key: K) => R
export type Action<K, V> = (value: V, key: K) => void
/** Makes a new key and a new value from a record: those that it becomes, or is grouped as. */
export type PairMapper<K, V, KR, VR> = (value: V, key: K) => readonly [KR, VR]
export type Initializer<A> = () => A
export type Aggregator<K, V, A> = (aggregate: A, value: V, key: K) => A
export type Reducer<V, R = V> = (aggregate: V, value: V) => R
/**
 * The aggregate of two sessions that have become one; the first `left` is what the initializer gives, then
 * earlier sessions come first.
 */
export type SessionMerger<K, A> = (left: A, right: A, key: K) => A
export type Joiner<K, L, R, J> = (left: L, right: R, key: K) => J

/** What an index holds of a row under one of its index keys. */
export type IndexMapper<KI, K, V, VR> = (value: V, key: K, indexKey: KI) => VR

/** What a row was and what it is; null: there is none. */
export interface RowChange<V> {
  readonly before: V | null
  readonly after: V | null
}

/** How rows that come to a group and rows that leave it change its aggregate. */
export interface TableAggregateFunctions<K, V, A> {
  readonly initializer: Initializer<A>
  readonly adder: Aggregator<K, V, A>
  readonly subtractor: Aggregator<K, V, A>
}

/** The first row of a group is taken as it is; returning null deletes. */
export interface TableReduceFunctions<V> {
  readonly adder: Reducer<V, V | null>
  readonly subtractor: Reducer<V, V | null>
}

/**
 * Computes the rows of a table from those of another, with the help of stores. Called for deletions too
 * (`value` is null); returning null deletes. One object serves one task.
 */
export interface ValueTransformer<K, V, VR> {
  /** The context can do everything but forward: the result is what `transform` returns. */
  init?(context: ProcessorContext): void
  transform(value: V | null, key: K): VR
  close?(): void
}

/**
 * Makes a transformer for every task, and more for lookups: a new object each time. `stores` are added and
 * connected.
 */
export type ValueTransformerFactory<K, V, VR> =
  | (() => ValueTransformer<K, V, VR>)
  | { get(): ValueTransformer<K, V, VR>; readonly stores?: readonly StoreBuilder[] }
