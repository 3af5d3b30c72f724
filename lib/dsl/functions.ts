/** Callbacks of the DSL: the value first, the key second, everywhere. All are called synchronously, once a record. */

export type Predicate<K, V> = (value: V, key: K) => boolean
export type Mapper<K, V, R> = (value: V, key: K) => R
export type Action<K, V> = (value: V, key: K) => void
/** What a record becomes, or is grouped as: a new key and a new value. */
export type PairMapper<K, V, KR, VR> = (value: V, key: K) => readonly [KR, VR]
export type Initializer<A> = () => A
export type Aggregator<K, V, A> = (aggregate: A, value: V, key: K) => A
export type Reducer<V, R = V> = (aggregate: V, value: V) => R
export type Joiner<K, L, R, J> = (left: L, right: R, key: K) => J
