import {
  asBuffer,
  bytesToMapKey,
  compareBytes,
  copyAlone,
  copyBytes,
  equalBytes,
  mapKeyToBytes,
} from '../../common/bytes.ts'
import { assert, present } from '../../common/assert.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import { WriteBatch } from '../engine/write-batch.ts'
import type {
  ChangelogOptions,
  ChangelogRecord,
  StateStore,
  StoreBuilder,
  StoreContext,
} from '../contract/state-store.ts'
import { storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange, storePrefix, validStoreName } from '../contract/store-name.ts'

/** Something that waits, and can be written down if it still does at a commit. */
export interface PendingItem {
  /** Timestamp of the input, and of its changelog record. */
  readonly timestamp: number
  /** About what `toBytes` will give. */
  readonly byteLength: number
  toBytes(): Uint8Array
}

/** How an item is found after a restart. */
export interface StoredItem {
  readonly sequence: number
  readonly bytes: Uint8Array
}

const SEQUENCE_BYTES = 8
/** The changelog key of the mark: behind all numbers. */
const MARK_KEY = new Uint8Array(SEQUENCE_BYTES).fill(0xff)

/**
 * What waits in an operator while its task commits: inputs that are taken, whose offsets are committed, and
 * whose outputs are still to come. An item that is removed before a commit sees it leaves no trace; one that
 * is there at a commit is written once, under a number that rises in the order of arrival.
 *
 * Under at-least-once the changelog must not lose an item before the item's outputs are safe: a crash between
 * the two would lose them, since the input's offset is committed already. So there the deletions are sent
 * only after the flush.
 *
 * Beside the items there may be a mark: a process puts its own there before it makes the first call, and
 * takes it away when it leaves cleanly. So a mark of another process tells that that one did not.
 */
export class PendingStore implements StateStore {
  readonly name: string
  readonly #prefix: Uint8Array
  #context: StoreContext | undefined
  #nextSequence = 0
  /** To be written down by the next commit, by sequence. */
  readonly #fresh = new Map<number, PendingItem>()
  /** Numbers of items of which an earlier commit has written something. */
  readonly #written = new Set<number>()
  /** Written down by an earlier commit, and done since: sequence and timestamp. */
  #done: (readonly [sequence: number, timestamp: number])[] = []
  /** Deletions whose changelog records wait until the outputs are flushed. */
  #unlogged: (readonly [sequence: number, timestamp: number])[] = []
  readonly #sealed = new WriteBatch()
  #mark: Uint8Array | null = null
  /** The mark is to be written, or taken away, by the next commit. */
  #markChanged = false
  /** Called when what was changed before they came is committed: by the open epoch, by the sealed one. */
  #afterCommit: (() => void)[] = []
  #afterSealed: (() => void)[] = []
  /** What load and restore found, under the changelog key as a string, which sorts by sequence. */
  readonly #found = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(name: string) {
    this.name = name
    this.#prefix = storePrefix(name)
  }

  /** Bytes that a crash would have to process again: items that are not written down, and deletions. */
  get uncommittedBytes(): number {
    return this.#bytes
  }

  /** For serdes. */
  get changelogTopic(): string {
    return this.#opened().changelogTopic
  }

  open(context: StoreContext): void {
    assert(this.#context === undefined, `store ${this.name} is open already`)
    this.#context = context
  }

  async load(): Promise<void> {
    const { engine } = this.#opened()
    for await (const [key, value] of engine.entries(storeEntriesRange(this.name))) {
      this.#find(key.subarray(this.#prefix.length), value)
    }
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value } of records) {
      const bytes = present(key, `key of a record in the changelog of store ${this.name}`)
      this.#find(bytes, value)
      this.#sealed.put(this.#engineKey(bytes), value && copyBytes(value))
    }
  }

  /** Null: none. What is set is written by the next commit. */
  get mark(): Uint8Array | null {
    return this.#mark
  }

  set mark(mark: Uint8Array | null) {
    if (equalBytes(this.#mark, mark)) return
    this.#mark = mark
    this.#markChanged = true
  }

  /** Calls once, when all that has been changed until now is committed; never after an abort, or `close`. */
  afterCommit(callback: () => void): void {
    this.#afterCommit.push(callback)
  }

  /**
   * What waited at the last commit, oldest first. Once, after `load` and before the first `add`: numbers go
   * on behind it.
   */
  takeFound(): StoredItem[] {
    this.#opened()
    const found = [...this.#found].sort(([left], [right]) => (left < right ? -1 : 1))
    this.#found.clear()
    const items = found.map(([id, bytes]) => ({ sequence: sequenceOf(mapKeyToBytes(id)), bytes }))
    for (const { sequence } of items) this.#written.add(sequence)
    this.#nextSequence = (items.at(-1)?.sequence ?? -1) + 1
    return items
  }

  /** Returns its number. */
  add(item: PendingItem): number {
    const sequence = this.#nextSequence
    this.#nextSequence += 1
    this.#fresh.set(sequence, item)
    this.#bytes += item.byteLength
    return sequence
  }

  /** It waits on, and is written down anew: the next commit has what it is by then. */
  update(sequence: number, item: PendingItem): void {
    this.#bytes += item.byteLength - (this.#fresh.get(sequence)?.byteLength ?? 0)
    this.#fresh.set(sequence, item)
  }

  /** It is done: its outputs are part of the open epoch. */
  remove(sequence: number, timestamp: number): void {
    const fresh = this.#fresh.get(sequence)
    if (fresh) {
      this.#fresh.delete(sequence)
      this.#bytes -= fresh.byteLength
    }
    if (!this.#written.delete(sequence)) return
    this.#done.push([sequence, timestamp])
    this.#bytes += SEQUENCE_BYTES
  }

  async *content(nowMs: number): AsyncGenerator<ChangelogRecord> {
    const { engine } = this.#opened()
    for await (const [key, value] of engine.entries(storeEntriesRange(this.name))) {
      yield { key: key.subarray(this.#prefix.length), value, timestamp: nowMs, headers: NO_HEADERS }
    }
  }

  flush(): void {
    // Nothing is held back.
  }

  prepareCommit(): void {
    const { log, isTransactional } = this.#opened()
    for (const [sequence, item] of this.#fresh) {
      const key = sequenceKey(sequence)
      const value = item.toBytes()
      log?.(key, value, item.timestamp, NO_HEADERS)
      this.#sealed.put(this.#engineKey(key), value)
      this.#written.add(sequence)
    }
    this.#fresh.clear()
    for (const [sequence, timestamp] of this.#done) {
      const key = sequenceKey(sequence)
      if (isTransactional) log?.(key, null, timestamp, NO_HEADERS)
      else this.#unlogged.push([sequence, timestamp])
      this.#sealed.put(this.#engineKey(key), null)
    }
    this.#done = []
    this.#bytes = 0
    this.#sealMark(log)
    this.#afterSealed.push(...this.#afterCommit.splice(0))
  }

  outputsFlushed(): void {
    const { log } = this.#opened()
    for (const [sequence, timestamp] of this.#unlogged) {
      log?.(sequenceKey(sequence), null, timestamp, NO_HEADERS)
    }
    this.#unlogged = []
  }

  stage(batch: WriteBatch): void {
    batch.takeFrom(this.#sealed)
    for (const callback of this.#afterSealed.splice(0)) callback()
  }

  staged(): void {
    // Reads never go to the engine while the store is open.
  }

  close(): void {
    this.#context = undefined
    this.#fresh.clear()
    this.#written.clear()
    this.#found.clear()
    this.#done = []
    this.#unlogged = []
    this.#sealed.clear()
    this.#bytes = 0
    this.#mark = null
    this.#markChanged = false
    this.#afterCommit = []
    this.#afterSealed = []
  }

  #find(key: Uint8Array, value: Uint8Array | null): void {
    if (isMark(key)) this.#mark = value && copyBytes(value)
    else if (value === null) this.#found.delete(bytesToMapKey(key))
    else this.#found.set(bytesToMapKey(key), copyAlone(value))
  }

  #sealMark(log: StoreContext['log']): void {
    if (!this.#markChanged) return
    this.#markChanged = false
    log?.(MARK_KEY, this.#mark, Math.max(0, this.#opened().recordContext().timestamp), NO_HEADERS)
    this.#sealed.put(this.#engineKey(MARK_KEY), this.#mark)
  }

  #opened(): StoreContext {
    if (!this.#context) throw storeClosed(this.name)
    return this.#context
  }

  #engineKey(key: Uint8Array): Uint8Array {
    const engineKey = new Uint8Array(this.#prefix.length + SEQUENCE_BYTES)
    engineKey.set(this.#prefix)
    engineKey.set(key, this.#prefix.length)
    return engineKey
  }
}

/** Builds the pending store of an asynchronous operator. */
export function pendingStoreBuilder(options: {
  readonly name: string
  /** False: what waits is lost with the disk. */
  readonly logging?: false | { readonly config?: { readonly [name: string]: string } } | undefined
}): StoreBuilder<PendingStore> {
  const name = validStoreName(options.name)
  const changelog: ChangelogOptions = {
    // Every entry is soon deleted: with segments of the usual 1 GiB, whoever takes a task over would read
    // hours of them.
    config: { 'segment.bytes': '16777216', ...(options.logging || {}).config },
    cleanupPolicy: 'compact',
  }
  return {
    name,
    kind: 'store of pending calls',
    persistent: true,
    caching: false,
    holdsInputs: true,
    changelog: options.logging === false ? undefined : changelog,
    build: () => new PendingStore(name),
  }
}

/** Whether the changelog key is the mark's, and not that of an item. */
export function isMark(key: Uint8Array): boolean {
  return compareBytes(key, MARK_KEY) === 0
}

/** Big-endian, so that the order of bytes is that of the numbers. */
function sequenceKey(sequence: number): Uint8Array {
  const key = new Uint8Array(SEQUENCE_BYTES)
  asBuffer(key).writeBigUInt64BE(BigInt(sequence))
  return key
}

function sequenceOf(key: Uint8Array): number {
  return Number(asBuffer(key).readBigUInt64BE())
}
