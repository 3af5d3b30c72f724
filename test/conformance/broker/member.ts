import type { Consumer, TopicPartition } from '../../../lib/broker/broker.ts'
import { partitionKey } from '../../../lib/common/ids.ts'
import type { Ownership } from './ownership.ts'

/** A group member that polls in a loop of its own until it is silenced or closed. */
export class Member {
  readonly consumer: Consumer
  readonly events: string[] = []
  /** While set, `revoked` does not settle: the partitions stay this member's. */
  holdRevoked: Promise<void> | undefined
  error: unknown
  readonly #ownership: Ownership
  #driving: Promise<void>
  #silent = false

  constructor(consumer: Consumer, topics: readonly string[], ownership: Ownership) {
    this.consumer = consumer
    this.#ownership = ownership
    consumer.subscribe(topics, {
      assigned: partitions => {
        this.#note('assigned', partitions)
        ownership.taken(this, partitions)
      },
      revoked: async partitions => {
        this.#note('revoked', partitions)
        await this.holdRevoked
        ownership.released(this, partitions)
        this.#note('released', partitions)
      },
      lost: partitions => {
        this.#note('lost', partitions)
        ownership.released(this, partitions)
      },
    })
    this.#driving = this.#drive()
  }

  /** Sorted keys of what it owns. */
  owned(): string[] {
    return this.consumer
      .owned()
      .map(({ topic, partition }) => partitionKey(topic, partition))
      .sort()
  }

  heard(event: 'assigned' | 'revoked' | 'released' | 'lost'): boolean {
    return this.events.some(line => line.startsWith(event))
  }

  /** Stops polling without leaving: after its session the group goes on without it. */
  async silence(): Promise<void> {
    this.#silent = true
    await this.#driving
    this.#ownership.forget(this)
  }

  /** Polls again after `silence`. */
  wake(): void {
    this.#silent = false
    this.#driving = this.#drive()
  }

  async close(): Promise<void> {
    this.#silent = true
    await this.#driving
    this.#ownership.forget(this)
    await this.consumer.close()
  }

  #note(event: string, partitions: readonly TopicPartition[]): void {
    this.events.push(`${event} ${partitions.map(each => partitionKey(each.topic, each.partition)).join(' ')}`)
  }

  async #drive(): Promise<void> {
    while (!this.#silent) {
      try {
        this.consumer.poll(100)
      } catch (error) {
        this.error ??= error
      }
      await this.consumer.ready(20)
    }
  }
}
