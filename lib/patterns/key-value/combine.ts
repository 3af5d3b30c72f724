import { bytesToMapKey, equalBytes } from '../../common/bytes.ts'
import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import { Record } from '../../processor/record.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'
import { stores } from '../../store/builders/stores.ts'
import type { KeyValueStore } from '../../store/contract/key-value-store.ts'
import type { Contribution } from './contribute.ts'

export interface CombineOptions<KR, C, VR> {
  readonly topic: string
  readonly keySerde: Serde<KR>
  readonly valueSerde: Serde<VR>
  readonly storeName: string
  readonly combine: (contributions: readonly C[], key: KR) => VR | null
}

/** What a derived row is made of, by key of the source's row. */
type Parts<C> = { readonly [source: string]: C }

export function combinedStore<C>(name: string) {
  return stores.keyValueStore<string, Parts<C>>({
    name,
    keySerde: serdes.string(),
    valueSerde: serdes.json<Parts<C>>(),
    ranges: false,
  })
}

/** Makes derived rows of what was added to them, and forwards those that are another than before. */
export class Combine<KR, C, VR> implements Processor<KR, Contribution<C>, KR, VR | null> {
  readonly #options: CombineOptions<KR, C, VR>
  #context!: ProcessorContext<KR, VR | null>
  #store!: KeyValueStore<string, Parts<C>>

  constructor(options: CombineOptions<KR, C, VR>) {
    this.#options = options
  }

  init(context: ProcessorContext<KR, VR | null>): void {
    this.#context = context
    this.#store = context.getStateStore<KeyValueStore<string, Parts<C>>>(this.#options.storeName)
  }

  process({ key, value: { source, added }, timestamp }: Record<KR, Contribution<C>>): void {
    const { topic, keySerde } = this.#options
    const id = bytesToMapKey(keySerde.serialize(key, { topic }))
    const before = this.#store.get(id) ?? {}
    const others = Object.entries(before).filter(([each]) => each !== source)
    const after = Object.fromEntries(added === undefined ? others : [...others, [source, added] as const])
    this.#store.put(id, Object.keys(after).length > 0 ? after : null)
    const [old, row] = [this.#rowOf(before, key), this.#rowOf(after, key)]
    if (equalBytes(old && this.#bytesOf(old), row && this.#bytesOf(row))) return
    this.#context.forward(new Record(key, row, timestamp))
  }

  #rowOf(parts: Parts<C>, key: KR): VR | null {
    const sources = Object.keys(parts).sort()
    if (sources.length === 0) return null
    return this.#options.combine(
      sources.map(source => parts[source]!),
      key,
    )
  }

  #bytesOf(row: VR): Uint8Array {
    const { topic, valueSerde } = this.#options
    return valueSerde.serialize(row, { topic })
  }
}
