import type { LedQueue } from '../connection/leader-finder.ts'
import type { OutgoingBatch, ProducerIdentity } from './outgoing-batch.ts'

const SEQUENCES = 2 ** 31

/**
 * What is to be sent to one partition, in order: the batch under way, those that are full, and the one that
 * grows.
 */
export class SendQueue implements LedQueue {
  readonly topic: string
  readonly partition: number
  /** What cannot be sent is refused, record by record; the queue lives on. */
  readonly failure = undefined
  leader: number | undefined
  leaderEpoch = -1
  retryAtMs = 0
  unknownAnswers = 0
  /** The number of the transaction that the partition belongs to. */
  addedTo = 0
  /** In whose name the partition is written to: the first sequence number of an identity is 0. */
  identity: ProducerIdentity | undefined
  nextSequence = 0
  inFlight: OutgoingBatch | undefined
  /** Takes more records. */
  open: OutgoingBatch | undefined
  /** How large the last batch became. */
  usualBytes = 0
  readonly #full: OutgoingBatch[] = []

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.open === undefined
  }

  /** Whether a batch waits that nothing will be added to. */
  get hasFull(): boolean {
    return this.#full.length > 0
  }

  get head(): OutgoingBatch | undefined {
    return this.#full[0] ?? this.open
  }

  batches(): OutgoingBatch[] {
    return this.open ? [...this.#full, this.open] : [...this.#full]
  }

  /** The next records begin another batch. */
  closeOpen(): void {
    if (!this.open) return
    this.usualBytes = this.open.bytes
    this.#full.push(this.open)
    this.open = undefined
  }

  remove(batch: OutgoingBatch): void {
    if (batch === this.open) this.open = undefined
    else this.#full.splice(this.#full.indexOf(batch), 1)
  }

  /** In place of the first, which was split. */
  replaceHead(parts: readonly OutgoingBatch[]): void {
    this.#full.splice(0, 1, ...parts)
  }

  /** The batch has its place in the log. */
  accepted({ sequence, count }: OutgoingBatch): void {
    this.nextSequence = (sequence + count) % SEQUENCES
  }
}
