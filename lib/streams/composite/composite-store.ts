import type { ReadOnlyKeyValueStore } from '../../store/contract/key-value-store.ts'
import { shown, type FanOut } from './fan-out.ts'

type View<K, S> = ReadOnlyKeyValueStore<K, S>
type Rows<K, V> = AsyncIterable<readonly [K, V]>

/**
 * One store over all its tasks of this instance; a range takes one task after the other, each in key order.
 * `show` turns stored values into shown ones: with their timestamps, or without.
 */
export class CompositeStore<K, S, V> implements ReadOnlyKeyValueStore<K, V> {
  readonly #fanOut: FanOut<View<K, S>, K>
  readonly #show: (stored: S) => V

  constructor(fanOut: FanOut<View<K, S>, K>, show: (stored: S) => V) {
    this.#fanOut = fanOut
    this.#show = show
  }

  get(key: K): V | undefined {
    const stored = this.#fanOut.first(key, part => part.get(key))
    return stored === undefined ? undefined : this.#show(stored)
  }

  range(from: K | undefined, to: K | undefined): Rows<K, V> {
    return this.#each(part => part.range(from, to))
  }

  reverseRange(from: K | undefined, to: K | undefined): Rows<K, V> {
    return this.#each(part => part.reverseRange(from, to))
  }

  all(): Rows<K, V> {
    return this.#each(part => part.all())
  }

  reverseAll(): Rows<K, V> {
    return this.#each(part => part.reverseAll())
  }

  prefixScan(prefix: K): Rows<K, V> {
    return this.#each(part => part.prefixScan(prefix))
  }

  approximateNumEntries(): number {
    return this.#fanOut.parts.reduce((sum, part) => sum + part.approximateNumEntries(), 0)
  }

  #each(read: (part: View<K, S>) => Rows<K, S>): Rows<K, V> {
    return shown(this.#fanOut.each(read), this.#show)
  }
}
