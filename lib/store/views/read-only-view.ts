import { ConfigError } from '../../common/errors/errors.ts'
import { BufferedKeyValueStore } from '../key-value/buffered-key-value-store.ts'
import type { EngineRange } from '../engine/engine.ts'
import type { ReadOnlyKeyValueStore } from '../contract/key-value-store.ts'
import { ValueState } from '../format/value-state.ts'
import type { KeyBounds } from '../memory/key-index.ts'
import type { StateStore } from '../contract/state-store.ts'

/**
 * - `committed`: what the last finished commit left; a write shows once its batch is in the engine.
 * - `latest`: that, and the writes since, which an abort may still take back.
 */
export type Isolation = 'committed' | 'latest'

/**
 * A store for readers from outside the record path, whose ranges may wait for the engine; they work whether
 * or not the store was built with `ranges`. Ranges show the moment of the call. After the store's task has
 * left, calls throw `STORE_CLOSED`.
 */
export function readOnlyView<K, V>(
  store: StateStore,
  options: { readonly isolation: Isolation },
): ReadOnlyKeyValueStore<K, V> {
  if (store instanceof BufferedKeyValueStore) return new ReadOnlyView<K, V>(store, options.isolation)
  throw new ConfigError(
    'STORE_NOT_READABLE',
    `store "${store.name}" is no key-value store and cannot be read as one`,
  )
}

class ReadOnlyView<K, V> implements ReadOnlyKeyValueStore<K, V> {
  readonly #store: BufferedKeyValueStore<K, V>
  readonly #isolation: Isolation

  constructor(store: BufferedKeyValueStore<K, V>, isolation: Isolation) {
    this.#store = store
    this.#isolation = isolation
  }

  get(key: K): V | undefined {
    const id = this.#id(key)
    const state = this.#isolation === 'committed' ? this.#store.committedState(id) : this.#store.stateOf(id)
    return this.#store.valueOf(state)
  }

  range(from: K | undefined, to: K | undefined): AsyncIterable<readonly [K, V]> {
    return this.#entries({ low: this.#bound(from), high: this.#bound(to), reverse: false })
  }

  reverseRange(from: K | undefined, to: K | undefined): AsyncIterable<readonly [K, V]> {
    return this.#entries({ low: this.#bound(from), high: this.#bound(to), reverse: true })
  }

  all(): AsyncIterable<readonly [K, V]> {
    return this.#entries({ reverse: false })
  }

  reverseAll(): AsyncIterable<readonly [K, V]> {
    return this.#entries({ reverse: true })
  }

  prefixScan(prefix: K): AsyncIterable<readonly [K, V]> {
    return this.#entries({ prefix: this.#id(prefix), reverse: false })
  }

  approximateNumEntries(): number {
    return this.#store.approximateNumEntries()
  }

  #id(key: K): string {
    return this.#store.resources().keys.id(key)
  }

  #bound(key: K | undefined): string | undefined {
    return key === undefined ? undefined : this.#id(key)
  }

  /** Entries of a range. Both snapshots are taken here, at the call, and merged as the caller reads. */
  #entries(bounds: KeyBounds): AsyncIterable<readonly [K, V]> {
    const { context, keys, cache } = this.#store.resources()
    const committed = context.engine.entries(engineRange(bounds, keys))
    const buffered = this.#isolation === 'latest' ? bufferedStates(cache.pinned(), bounds) : []
    return this.#merge(committed, buffered, bounds.reverse)
  }

  async *#merge(
    committed: AsyncIterable<readonly [Uint8Array, Uint8Array]>,
    buffered: readonly Buffered[],
    reverse: boolean,
  ): AsyncGenerator<readonly [K, V]> {
    const { keys, values } = this.#store.resources()
    let at = 0
    for await (const [key, value] of committed) {
      const id = keys.idOfEngineKey(key)
      for (; at < buffered.length && isBefore(buffered[at]!.id, id, reverse); at += 1) {
        yield* this.#one(buffered[at]!)
      }
      if (buffered[at]?.id === id) continue
      const state = new ValueState()
      values.load(state, value)
      yield* this.#one({ id, state })
    }
    for (; at < buffered.length; at += 1) yield* this.#one(buffered[at]!)
  }

  *#one({ id, state }: Buffered): Generator<readonly [K, V]> {
    const value = this.#store.valueOf(state)
    if (value !== undefined) yield [this.#store.keyOf(id), value]
  }
}

interface Buffered {
  readonly id: string
  readonly state: ValueState
}

function bufferedStates(
  entries: Iterable<{ readonly id: string; copyState(): ValueState }>,
  bounds: KeyBounds,
): Buffered[] {
  const states: Buffered[] = []
  for (const entry of entries) {
    if (isWithin(entry.id, bounds)) states.push({ id: entry.id, state: entry.copyState() })
  }
  return states.sort((left, right) => (isBefore(left.id, right.id, bounds.reverse) ? -1 : 1))
}

function isWithin(id: string, { low, high, prefix }: KeyBounds): boolean {
  if (prefix !== undefined) return id.startsWith(prefix)
  return (low === undefined || id >= low) && (high === undefined || id <= high)
}

function isBefore(left: string, right: string, reverse: boolean): boolean {
  return reverse ? left > right : left < right
}

/**
 * The engine's range. Its upper bound is not included: the first key behind `high` is `high` and a zero byte.
 */
function engineRange(
  { low, high, prefix, reverse }: KeyBounds,
  keys: { readonly prefix: Uint8Array; engineKey(id: string): Uint8Array },
): EngineRange {
  const behindHigh = high === undefined ? undefined : `${high}\0`
  const upper = prefix === undefined ? behindHigh : successor(prefix)
  return {
    gte: keys.engineKey(prefix ?? low ?? ''),
    lt: upper === undefined ? endOfPrefix(keys.prefix) : keys.engineKey(upper),
    reverse,
  }
}

/** The first id behind all that start with `prefix`; undefined where there is none. */
function successor(prefix: string): string | undefined {
  const end = prefix.replace(/\u00ff+$/, '')
  if (end === '') return undefined
  return end.slice(0, -1) + String.fromCharCode(end.charCodeAt(end.length - 1) + 1)
}

/** The first key behind a store's entries: the prefix ends in a zero byte. */
function endOfPrefix(prefix: Uint8Array): Uint8Array {
  const end = Uint8Array.from(prefix)
  end[end.length - 1]! += 1
  return end
}
