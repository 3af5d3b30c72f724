import type { TopicPartition } from '../../broker.ts'

/**
 * A map by topic and partition, in order of insertion. It is asked once for every run of records, so it makes
 * no strings as keys.
 */
export class PartitionMap<T> {
  readonly #topics = new Map<string, Map<number, T>>()

  get(topic: string, partition: number): T | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  set({ topic, partition }: TopicPartition, value: T): void {
    let partitions = this.#topics.get(topic)
    if (!partitions) this.#topics.set(topic, (partitions = new Map()))
    partitions.set(partition, value)
  }

  delete({ topic, partition }: TopicPartition): T | undefined {
    const partitions = this.#topics.get(topic)
    const value = partitions?.get(partition)
    partitions?.delete(partition)
    if (partitions?.size === 0) this.#topics.delete(topic)
    return value
  }

  values(): T[] {
    return Array.from(this.#topics.values(), partitions => [...partitions.values()]).flat()
  }
}
