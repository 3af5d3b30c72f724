import type { KafkaStreams, ReadOnlyKeyValueStore } from 'millrace'
import type { TopicWriter } from './topic-writer.ts'

/**
 * A compacted topic as a map in memory: reads are at once, and a write is over when this process shows it.
 */
export class KeyValueTable<V> {
  readonly #tables: KafkaStreams
  readonly #name: string
  readonly #store: ReadOnlyKeyValueStore<string, V>
  readonly #writer: TopicWriter<V>

  constructor(tables: KafkaStreams, name: string, writer: TopicWriter<V>) {
    this.#tables = tables
    this.#name = name
    this.#store = tables.store(name)
    this.#writer = writer
  }

  get(key: string): V | undefined {
    return this.#store.get(key)
  }

  /** By key. */
  all(): AsyncIterable<readonly [string, V]> {
    return this.#store.all()
  }

  /**
   * Resolves when `get` answers with this value, or a newer one. Rejects where the broker refuses it: then
   * nothing has changed.
   */
  async put(key: string, value: V): Promise<void> {
    await this.#write(key, value)
  }

  /** Resolves when `get` does not find it any more, or something newer. */
  async delete(key: string): Promise<void> {
    await this.#write(key, null)
  }

  async #write(key: string, value: V | null): Promise<void> {
    await this.#writer.put(key, value)
    await this.#tables.caughtUp(this.#name)
  }
}
