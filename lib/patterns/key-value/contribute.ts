import { bytesToMapKey, mapKeyToBytes } from '../../common/bytes.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { droppedRecords } from '../../dsl/kit/dropped-records.ts'
import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import { Record } from '../../processor/record.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'
import { stores } from '../../store/builders/stores.ts'
import type { KeyValueStore } from '../../store/contract/key-value-store.ts'

/** What one row of the source adds to one derived row now. */
export interface Contribution<C> {
  /** Key of the source's row, as text of one byte a character. */
  readonly source: string
  /** Absent: nothing any more. */
  readonly added?: C
}

export interface ContributeOptions<K, V, KR, C> {
  readonly from: { readonly topic: string; readonly keySerde: Serde<K> }
  readonly to: { readonly topic: string; readonly keySerde: Serde<KR> }
  readonly storeName: string
  readonly contributions: (value: V, key: K) => Iterable<readonly [KR, C]>
}

/** By key of the derived row, as text of one byte a character: what a row of the source has added. */
type Added<C> = { readonly [key: string]: C }

export function contributedStore<C>(name: string) {
  return stores.keyValueStore<string, Added<C>>({
    name,
    keySerde: serdes.string(),
    valueSerde: serdes.json<Added<C>>(),
    ranges: false,
  })
}

/** Tells derived rows what has changed in what a row adds to them; nothing where nothing has. */
export class Contribute<K, V, KR, C> implements Processor<K | null, V | null, KR, Contribution<C>> {
  readonly #options: ContributeOptions<K, V, KR, C>
  #context!: ProcessorContext<KR, Contribution<C>>
  #store!: KeyValueStore<string, Added<C>>
  #dropped!: Counter

  constructor(options: ContributeOptions<K, V, KR, C>) {
    this.#options = options
  }

  init(context: ProcessorContext<KR, Contribution<C>>): void {
    this.#context = context
    this.#store = context.getStateStore<KeyValueStore<string, Added<C>>>(this.#options.storeName)
    this.#dropped = droppedRecords(context)
  }

  process({ key, value, timestamp }: Record<K | null, V | null>): void {
    if (key === null) return this.#dropped.add()
    const { from, contributions } = this.#options
    const source = bytesToMapKey(from.keySerde.serialize(key, { topic: from.topic }))
    const before = this.#store.get(source) ?? {}
    const after = value === null ? {} : this.#byKey(contributions(value, key))
    const changed = Object.keys({ ...before, ...after }).filter(
      each => JSON.stringify(before[each]) !== JSON.stringify(after[each]),
    )
    if (changed.length === 0) return
    this.#store.put(source, Object.keys(after).length > 0 ? after : null)
    for (const each of changed) {
      const added = after[each]
      const contribution = added === undefined ? { source } : { source, added }
      this.#context.forward(new Record(this.#derivedKey(each), contribution, timestamp))
    }
  }

  #byKey(contributions: Iterable<readonly [KR, C]>): Added<C> {
    const { topic, keySerde } = this.#options.to
    const entries = Array.from(contributions, ([key, added]) => {
      if (added === undefined) throw new TypeError(`a contribution to "${topic}" is undefined: give null`)
      return [bytesToMapKey(keySerde.serialize(key, { topic })), added] as const
    })
    return Object.fromEntries(entries)
  }

  #derivedKey(text: string): KR {
    const { topic, keySerde } = this.#options.to
    return keySerde.deserialize(mapKeyToBytes(text), { topic })
  }
}
