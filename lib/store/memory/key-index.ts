import { sortedMap, type SortedMap } from '../../common/sorted-map.ts'
import type { ValueState } from '../format/value-state.ts'

type Tree = SortedMap<string, undefined>

/**
 * Serialised keys, a character for a byte; `high` is included, and with `prefix` only keys that start with it
 * count.
 */
export interface KeyBounds {
  readonly low?: string | undefined
  readonly high?: string | undefined
  readonly prefix?: string | undefined
  readonly reverse: boolean
}

/** The keys of one moment, and the values that have been overwritten since. */
export interface KeySnapshot {
  /** The next key in the order asked for. */
  next(): string | undefined
  /** The key's value at the moment of the snapshot, where it has changed since. */
  savedState(id: string): ValueState | undefined
  /**
   * Ends the snapshot. Without it the snapshot ends when it is collected, and until then makes writes dearer.
   */
  close(): void
}

/**
 * The keys of a store, in order, in memory: Level cannot be read in ranges synchronously. Measured at 500,000
 * keys of 16 bytes: 47 bytes a key when they come in order, 51 when they do not, the key included.
 *
 * A snapshot takes nothing but the tree itself. The first change of the set of keys while one is open copies
 * the tree (it shares its nodes), and a change of a value first tells the open snapshots what it was.
 */
export class KeyIndex {
  #tree: Tree = sortedMap(compareText)
  /** Open snapshots: weak, so that an iterator that was dropped half-way does not collect values for ever. */
  #snapshots: WeakRef<Snapshot>[] = []
  #treeInUse = false

  get size(): number {
    return this.#tree.size
  }

  /** Whether changes of values must be announced by `save`. */
  get watched(): boolean {
    return this.#snapshots.length > 0
  }

  has(id: string): boolean {
    return this.#tree.has(id)
  }

  add(id: string): void {
    this.#own().set(id, undefined)
  }

  delete(id: string): void {
    this.#own().delete(id)
  }

  /** Tells the open snapshots that the value of this key is about to change. */
  save(id: string, state: ValueState): void {
    let collected = false
    for (const reference of this.#snapshots) {
      const snapshot = reference.deref()
      if (snapshot) snapshot.save(id, state)
      else collected = true
    }
    if (collected) this.#forget(undefined)
  }

  snapshot(bounds: KeyBounds): KeySnapshot {
    const snapshot = new Snapshot(this.#tree, bounds, ended => this.#forget(ended))
    this.#snapshots.push(new WeakRef(snapshot))
    this.#treeInUse = true
    return snapshot
  }

  clear(): void {
    this.#tree = sortedMap(compareText)
    this.#snapshots = []
    this.#treeInUse = false
  }

  #own(): Tree {
    if (this.#treeInUse && this.watched) this.#tree = this.#tree.clone()
    this.#treeInUse = false
    return this.#tree
  }

  #forget(ended: Snapshot | undefined): void {
    this.#snapshots = this.#snapshots.filter(reference => {
      const snapshot = reference.deref()
      return snapshot !== undefined && snapshot !== ended
    })
  }
}

class Snapshot implements KeySnapshot {
  readonly #bounds: KeyBounds
  readonly #ids: Iterator<string>
  readonly #saved = new Map<string, ValueState>()
  readonly #onEnd: (ended: Snapshot) => void
  #at: string | undefined
  #open = true

  constructor(tree: Tree, bounds: KeyBounds, onEnd: (ended: Snapshot) => void) {
    this.#bounds = bounds
    this.#ids = bounds.reverse ? reversed(tree, bounds.high) : tree.keys(bounds.prefix ?? bounds.low)
    this.#onEnd = onEnd
  }

  next(): string | undefined {
    if (!this.#open) return undefined
    const step = this.#ids.next()
    if (step.done || this.#isBeyond(step.value)) {
      this.close()
      return undefined
    }
    this.#at = step.value
    return step.value
  }

  savedState(id: string): ValueState | undefined {
    return this.#saved.get(id)
  }

  save(id: string, state: ValueState): void {
    if (this.#saved.has(id) || this.#hasPassed(id) || this.#isBeyond(id)) return
    this.#saved.set(id, state.copyState())
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#saved.clear()
    this.#onEnd(this)
  }

  #isBeyond(id: string): boolean {
    const { low, high, prefix, reverse } = this.#bounds
    if (prefix !== undefined) return !id.startsWith(prefix)
    return reverse ? low !== undefined && id < low : high !== undefined && id > high
  }

  /** Whether the key was handed out already: an iteration that deletes as it goes then keeps nothing. */
  #hasPassed(id: string): boolean {
    if (this.#at === undefined) return false
    return this.#bounds.reverse ? id >= this.#at : id <= this.#at
  }
}

function* reversed(tree: Tree, high: string | undefined): Generator<string> {
  for (const [id] of tree.entriesReversed(high)) yield id
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
