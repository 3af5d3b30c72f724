import type { AssignmentListener, TopicPartition } from '../../broker/broker.ts'

/** A request of the group to the thread; `done` lets the group go on. */
export interface RebalanceEvent {
  readonly kind: 'assigned' | 'revoked' | 'lost'
  readonly partitions: readonly TopicPartition[]
  readonly done: () => void
}

/**
 * Keeps the group's requests, whenever they come, until the thread's loop asks for them: never in the middle
 * of a record or of a commit. The partitions stay as they are until `done`.
 */
export class RebalanceMailbox implements AssignmentListener {
  #events: RebalanceEvent[] = []
  #closed = false

  get isEmpty(): boolean {
    return this.#events.length === 0
  }

  next(): RebalanceEvent | undefined {
    return this.#events.shift()
  }

  /** Answers all requests, present and future ones: the thread is ending. */
  close(): void {
    this.#closed = true
    for (const event of this.#events.splice(0)) event.done()
  }

  assigned(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#post('assigned', partitions)
  }

  revoked(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#post('revoked', partitions)
  }

  lost(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#post('lost', partitions)
  }

  #post(kind: RebalanceEvent['kind'], partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise(done => this.#events.push({ kind, partitions, done }))
  }
}
