import type { Counter } from '../../common/metrics/meter.ts'
import { StreamsBuilder } from '../../dsl/methods/streams-builder.ts'
import { droppedRecords } from '../../dsl/kit/dropped-records.ts'
import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'
import { stores } from '../../store/builders/stores.ts'
import type { KeyValueStore } from '../../store/contract/key-value-store.ts'
import type { Topology } from '../../topology/topology.ts'
import { sizedSerde, type SizedValue } from './frozen.ts'
import { answersTopic, decodeAnswer, versionOf, type Answer } from './key-value-format.ts'
import type { RowMap, RowTable } from './row-map.ts'
import { storedRowSerde, type StoredRow } from './stored-rows.ts'

export interface StoreTopologyOptions<K, V> {
  readonly topic: string
  readonly keySerde: Serde<K>
  readonly valueSerde: Serde<V>
  readonly rows: RowMap<K, V>
  /** Whether the rows are kept on disk, too, to begin with them. */
  readonly isKept: boolean
  /** Called with each answer of the single writer; undefined: there is none. */
  readonly onAnswer: ((id: string, answer: Answer) => void) | undefined
}

/** What reads a store's topic whole, and the answers of its writer. The store has the name of the topic. */
export function storeTopology<K, V>(options: StoreTopologyOptions<K, V>): Topology {
  const { topic, keySerde, valueSerde, isKept, onAnswer } = options
  const builder = new StreamsBuilder()
  const kept = stores.keyValueStore<K, StoredRow<V>>({
    name: topic,
    keySerde,
    valueSerde: storedRowSerde(valueSerde),
    persistent: isKept,
    logging: false,
  })
  const source = { keySerde, valueSerde: sizedSerde(valueSerde), requireCompacted: true }
  builder.addGlobalStore(kept, topic, () => new FillRows(options), source)
  if (onAnswer) {
    const name = answersTopic(topic)
    const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
    const nothing = stores.keyValueStore({ name, ...text, persistent: false, ranges: false, logging: false })
    const take = () => ({
      process({ key, value }: Record<string | null, string | null>) {
        const answer = value === null ? undefined : decodeAnswer(value)
        if (key !== null && answer) onAnswer(key, answer)
      },
    })
    builder.addGlobalStore(nothing, name, take, text)
  }
  return builder.build()
}

/** Fills the rows, and the snapshot where there is one. */
class FillRows<K, V> implements Processor<K | null, SizedValue<V> | null> {
  readonly #options: StoreTopologyOptions<K, V>
  #context!: ProcessorContext
  #table!: RowTable<K, V>
  #kept: KeyValueStore<K, StoredRow<V>> | undefined
  #dropped!: Counter

  constructor(options: StoreTopologyOptions<K, V>) {
    this.#options = options
  }

  init(context: ProcessorContext): void {
    const { rows, topic, isKept } = this.#options
    this.#context = context
    this.#dropped = droppedRecords(context)
    this.#table = rows.begin()
    if (!isKept) return
    this.#kept = context.getStateStore<KeyValueStore<K, StoredRow<V>>>(topic)
    for (const [key, row] of this.#kept.all()) this.#table.set(rows.idOf(key), { ...row, key })
  }

  process({ key, value: read, timestamp, headers }: Record<K | null, SizedValue<V> | null>): void {
    if (key === null) return this.#dropped.add()
    const offset = this.#context.recordMetadata()?.offset ?? -1
    const row = read && { ...read, version: versionOf(headers), timestamp, offset }
    this.#kept?.put(key, row)
    this.#options.rows.set(this.#table, key, row ? { ...row, key } : undefined, timestamp)
  }
}
