import type { LedQueue } from '../connection/leader-finder.ts'
import type { OutgoingBatch, ProducerIdentity } from './outgoing-batch.ts'

const SEQUENCES = 2 ** 31

/** The batches of one partition in order: the one in flight, those that are full, and the open one. */
export class SendQueue implements LedQueue {
  readonly topic: string
  readonly partition: number
  /** Always undefined: records that cannot be sent are refused, and the queue is used on. */
  readonly failure = undefined
  leader: number | undefined
  leaderEpoch = -1
  retryAtMs = 0
  unknownAnswers = 0
  /** The number of the last transaction that the partition was added to. */
  addedTo = 0
  /** The identity of the partition's sequence numbers, which begin at 0 with each identity. */
  identity: ProducerIdentity | undefined
  nextSequence = 0
  inFlight: OutgoingBatch | undefined
  /** The batch that records are appended to. */
  open: OutgoingBatch | undefined
  /** The size of the last batch, which is the first guess for the next. */
  usualBytes = 0
  readonly #full: OutgoingBatch[] = []

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.open === undefined
  }

  /** Whether a batch takes no more records. */
  get hasFull(): boolean {
    return this.#full.length > 0
  }

  get head(): OutgoingBatch | undefined {
    return this.#full[0] ?? this.open
  }

  batches(): OutgoingBatch[] {
    return this.open ? [...this.#full, this.open] : [...this.#full]
  }

  /** Ends the open batch, so that the next record begins another one. */
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

  /** Replaces the first batch by the parts that it was split into. */
  replaceHead(parts: readonly OutgoingBatch[]): void {
    this.#full.splice(0, 1, ...parts)
  }

  /** Moves the sequence number past a batch that is in the log. */
  accepted({ sequence, count }: OutgoingBatch): void {
    this.nextSequence = (sequence + count) % SEQUENCES
  }
}
