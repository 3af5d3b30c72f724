import { StreamsError } from '../../common/errors/errors.ts'

/**
 * Called with a key that was not found: throws `KEY_NOT_HERE` where it belongs to another task, so that it is
 * not taken for missing.
 */
export type OnMissing<K> = (key: K) => void

/**
 * The parts of a store, one from each task of this instance. They are looked up with every call, so that a
 * view stays valid over rebalances. Every call throws `STORE_NOT_AVAILABLE` while there are none.
 */
export class FanOut<P, K> {
  readonly #name: string
  readonly #parts: () => readonly P[]
  readonly #onMissing: OnMissing<K>

  constructor(name: string, parts: () => readonly P[], onMissing: OnMissing<K>) {
    this.#name = name
    this.#parts = parts
    this.#onMissing = onMissing
  }

  get parts(): readonly P[] {
    const parts = this.#parts()
    if (parts.length > 0) return parts
    throw storeNotAvailable(this.#name)
  }

  /** The result of the first part that has one for the key. */
  first<R>(key: K, read: (part: P) => R | undefined): R | undefined {
    for (const part of this.parts) {
      const found = read(part)
      if (found !== undefined) return found
    }
    this.#onMissing(key)
    return undefined
  }

  /** Rows of all parts, one part after the other, each in its order. */
  async *each<R>(read: (part: P) => AsyncIterable<R>): AsyncGenerator<R> {
    for (const part of this.parts) yield* read(part)
  }

  /** Rows of all parts for one key, of which none may be found. */
  async *ofKey<R>(key: K, read: (part: P) => AsyncIterable<R>): AsyncGenerator<R> {
    let isFound = false
    for await (const row of this.each(read)) {
      isFound = true
      yield row
    }
    if (!isFound) this.#onMissing(key)
  }
}

/** Rows with their values as shown. */
export async function* shown<A, S, V>(
  rows: AsyncIterable<readonly [A, S]>,
  show: (stored: S) => V,
): AsyncGenerator<readonly [A, V]> {
  for await (const [at, stored] of rows) yield [at, show(stored)]
}

export function storeNotAvailable(name: string): StreamsError {
  return new StreamsError(
    'STORE_NOT_AVAILABLE',
    `no task of this process holds store "${name}" at present: it may be restoring, or live in other processes`,
  )
}
