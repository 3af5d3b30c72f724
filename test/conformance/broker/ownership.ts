import { partitionKey } from '../../../lib/common/ids.ts'
import type { TopicPartition } from '../../../lib/broker/broker.ts'

/**
 * The referee of a group: who holds which partition, seen from the members' listeners. Nothing may be held
 * twice.
 */
export class Ownership {
  readonly #holders = new Map<string, unknown>()
  readonly #violations: string[] = []

  taken(holder: object, partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      if (this.#holders.has(key)) this.#violations.push(`${key} was given out while somebody held it`)
      this.#holders.set(key, holder)
    }
  }

  released(holder: object, partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      if (this.#holders.get(key) === holder) this.#holders.delete(key)
    }
  }

  /** A member that is gone, or that the test treats as a zombie, holds nothing more. */
  forget(holder: object): void {
    for (const [key, other] of this.#holders) if (other === holder) this.#holders.delete(key)
  }

  verify(): void {
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '))
  }
}
