import type { ReadOnlyKeyValueStore, ValueAndTimestamp } from '../store/contract/key-value-store.ts'

/** A store of values with timestamps, seen without them: what most readers of a table want. */
export class PlainValues<K, V> implements ReadOnlyKeyValueStore<K, V> {
  readonly #store: ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>>

  constructor(store: ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>>) {
    this.#store = store
  }

  get(key: K): V | undefined {
    return this.#store.get(key)?.value
  }

  range(from: K | undefined, to: K | undefined): AsyncIterable<readonly [K, V]> {
    return plain(this.#store.range(from, to))
  }

  reverseRange(from: K | undefined, to: K | undefined): AsyncIterable<readonly [K, V]> {
    return plain(this.#store.reverseRange(from, to))
  }

  all(): AsyncIterable<readonly [K, V]> {
    return plain(this.#store.all())
  }

  reverseAll(): AsyncIterable<readonly [K, V]> {
    return plain(this.#store.reverseAll())
  }

  prefixScan(prefix: K): AsyncIterable<readonly [K, V]> {
    return plain(this.#store.prefixScan(prefix))
  }

  approximateNumEntries(): number {
    return this.#store.approximateNumEntries()
  }
}

async function* plain<K, V>(
  entries: AsyncIterable<readonly [K, ValueAndTimestamp<V>]>,
): AsyncGenerator<readonly [K, V]> {
  for await (const [key, { value }] of entries) yield [key, value]
}
