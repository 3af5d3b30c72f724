import { sortedMap, type SortedMap } from '../../common/sorted-map.ts'
import { assert } from '../../common/assert.ts'
import { bytesToMapKey, copyBytes, EMPTY_BYTES, mapKeyToBytes } from '../../common/bytes.ts'
import type { Engine, EngineRange } from './engine.ts'
import type { WriteBatch } from './write-batch.ts'

type Tree = SortedMap<string, Uint8Array>

/**
 * An engine in this process's memory, for tests, for `TopologyTestDriver` and for stores that are restored at
 * every start. Bytes are copied on the way in and out, as they are with an engine on disk.
 */
export function openMemoryEngine(): Engine {
  return new MemoryEngine()
}

class MemoryEngine implements Engine {
  readonly persistent = false
  readonly #tree: Tree = sortedMap(compareText)
  #open = true

  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen()
    const value = this.#tree.get(bytesToMapKey(key))
    return value === undefined ? undefined : copyBytes(value)
  }

  entries(range: EngineRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    this.#assertOpen()
    // A clone shares its nodes until one side writes, so the snapshot costs nothing.
    return walk(this.#tree.clone(), range)
  }

  async write(batch: WriteBatch): Promise<void> {
    this.#assertOpen()
    batch.forEach((key, value) => {
      if (value === null) this.#tree.delete(bytesToMapKey(key))
      else this.#tree.set(bytesToMapKey(key), copyBytes(value))
    })
  }

  async prepareFor(): Promise<void> {
    this.#assertOpen()
  }

  async clear(range: EngineRange): Promise<void> {
    this.#assertOpen()
    for (const [key] of select(this.#tree.clone(), range)) this.#tree.delete(key)
  }

  async close(): Promise<void> {
    this.#open = false
    this.#tree.clear()
  }

  #assertOpen(): void {
    assert(this.#open, 'the memory engine is closed')
  }
}

async function* walk(tree: Tree, range: EngineRange): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
  const { values = true } = range
  for (const [key, value] of select(tree, range)) {
    yield [mapKeyToBytes(key), values ? copyBytes(value) : EMPTY_BYTES]
  }
}

function* select(tree: Tree, range: EngineRange): Generator<readonly [string, Uint8Array]> {
  const low = range.gte === undefined ? undefined : bytesToMapKey(range.gte)
  const high = range.lt === undefined ? undefined : bytesToMapKey(range.lt)
  const entries = range.reverse ? tree.entriesReversed(high, undefined, true) : tree.entries(low)
  let left = range.limit ?? Infinity
  for (const entry of entries) {
    if (left <= 0) return
    if (range.reverse ? low !== undefined && entry[0] < low : high !== undefined && entry[0] >= high) return
    left -= 1
    yield entry
  }
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
