import { isDeepStrictEqual } from 'node:util'
import { bytesToMapKey } from '../../../common/bytes.ts'
import { StreamsError } from '../../../common/errors/errors.ts'
import type { IndexedKey } from '../../../serde/indexed-key.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import { Record } from '../../../processor/record.ts'
import { resolveSerde } from '../../../serde/open-serde.ts'
import type { Serde } from '../../../serde/serde.ts'
import type { Change } from '../../kit/change.ts'
import { synchronous, type CallbackOwner } from '../../kit/synchronous.ts'
import type { IndexMapper, Mapper } from '../../options/functions.ts'

export interface IndexCallbacks<KI, K, V, VR> {
  /** Index keys of a row; null among them is left out. */
  readonly keys: Mapper<K, V, Iterable<KI | null>>
  /** What stands beside a row in the index; null keeps the row out from under that key. */
  readonly value: IndexMapper<KI, K, V, VR | null>
}

export interface IndexRowsOptions<KI, K, V, VR> extends IndexCallbacks<KI, K, V, VR> {
  readonly node: string
  /** Changes of a versioned table that came out of order are dropped. */
  readonly latestOnly: boolean
  /** Undefined: the application's default. */
  readonly indexKeySerde: Serde<KI> | undefined
}

interface Entry<KI, VR> {
  readonly indexKey: KI
  readonly value: VR
}

/**
 * Makes entries of an index from a change of a row: those that it leaves are taken out first, then the new
 * and changed ones are written. Entries that stay as they are go no further.
 */
export class IndexRows<KI, K, V, VR> implements Processor<K, Change<V>, IndexedKey<KI, K>, VR | null> {
  readonly #options: IndexRowsOptions<KI, K, V, VR>
  readonly #keysOwner: CallbackOwner
  readonly #valueOwner: CallbackOwner
  #context!: ProcessorContext<IndexedKey<KI, K>, VR | null>
  #serde: Serde<unknown> | undefined

  constructor(options: IndexRowsOptions<KI, K, V, VR>) {
    const { node } = options
    this.#options = options
    this.#keysOwner = { callback: 'the selector of reverseIndex', node }
    this.#valueOwner = { callback: 'value of reverseIndex', node }
  }

  init(context: ProcessorContext<IndexedKey<KI, K>, VR | null>): void {
    this.#context = context
    this.#serde = resolveSerde(
      this.#options.indexKeySerde as Serde<unknown> | undefined,
      context.defaultKeySerde,
    )
  }

  process(record: Record<K, Change<V>>): void {
    const { key, value: change } = record
    if (key === null) throw new StreamsError('NULL_KEY', 'a change of an indexed table has no key')
    if (this.#options.latestOnly && !change.isLatest) return
    const had = this.#entriesOf(change.oldValue, key)
    const has = this.#entriesOf(change.newValue, key)
    for (const [id, { indexKey }] of had) if (!has.has(id)) this.#forward(record, indexKey, null)
    for (const [id, { indexKey, value }] of has) {
      const before = had.get(id)
      if (before && isDeepStrictEqual(before.value, value)) continue
      this.#forward(record, indexKey, value)
    }
  }

  /** Entries by index keys, which may be objects, and may come more than once. */
  #entriesOf(row: V | null, key: K): ReadonlyMap<unknown, Entry<KI, VR>> {
    const entries = new Map<unknown, Entry<KI, VR>>()
    if (row === null) return entries
    const { keys, value: valueOf } = this.#options
    for (const indexKey of this.#checkedKeys(keys(row, key))) {
      if (indexKey === null || indexKey === undefined) continue
      const value = synchronous(valueOf(row, key, indexKey), this.#valueOwner)
      if (value !== null && value !== undefined) entries.set(this.#idOf(indexKey), { indexKey, value })
    }
    return entries
  }

  #checkedKeys(keys: Iterable<KI | null>): Iterable<KI | null> {
    const checked: unknown = synchronous(keys, this.#keysOwner)
    // A text is iterable: its letters would become index keys.
    if (typeof checked === 'object' && checked !== null && Symbol.iterator in checked) return keys
    throw new StreamsError(
      'INDEX_KEYS_NOT_ITERABLE',
      `${this.#keysOwner.callback} (node "${this.#keysOwner.node}") returned ${checked === null ? 'null' : `a ${typeof checked}`}, ` +
        'and no iterable of index keys: return an array, [] for a row that stands under none',
    )
  }

  #idOf(indexKey: KI): unknown {
    if (typeof indexKey !== 'object') return indexKey
    if (!this.#serde) {
      throw new StreamsError(
        'SERDE_MISSING',
        'the index keys of an index have no serde: give reverseIndex an indexKeySerde, or set defaultKeySerde.',
      )
    }
    return bytesToMapKey(this.#serde.serialize(indexKey, { topic: this.#options.node }))
  }

  #forward(cause: Record<K, Change<V>>, indexKey: KI, value: VR | null): void {
    const indexed = { indexKey, key: cause.key }
    this.#context.forward(new Record(indexed, value, cause.timestamp, cause.headerList))
  }
}
