import { partitionKey } from '../../common/ids.ts'
import type { Timer } from '../../common/clock.ts'
import type {
  AssignmentListener,
  Consumer,
  ConsumerOptions,
  IsolationLevel,
  OffsetToCommit,
  RecordBatch,
  TopicPartition,
  TopicPartitionOffset,
} from '../broker.ts'
import { BrokerError } from '../broker-error.ts'
import type { BrokerState } from './state/broker-state.ts'
import { clientClosed, missingGroup } from './state/errors.ts'
import { GroupSession } from './requests/group-session.ts'
import { commitOffsets, type Membership } from './requests/offset-commit.ts'
import { fetchStableOffsets } from './requests/offset-fetch.ts'
import { PartitionReader } from './state/partition-reader.ts'

const COMMITTED_TIMEOUT_MS = 60_000

/**
 * Reads the logs themselves: `poll` is a synchronous read, and `queuedBytesMax` holds because nothing is
 * queued. Both group protocols are served by the one group model.
 */
export class EmbeddedConsumer implements Consumer {
  readonly #state: BrokerState
  readonly #clientId: string
  readonly #isolation: IsolationLevel
  readonly #readers = new Map<string, PartitionReader>()
  /** The readers of `#readers`, in the order of the next poll: each poll begins with another one. */
  #order: PartitionReader[] = []
  #turn = 0
  readonly #session: GroupSession | undefined
  #error: unknown
  #closed = false
  #waiting: { readonly timer: Timer; readonly resolve: () => void } | undefined
  readonly #wake = () => this.#endWait()

  constructor(state: BrokerState, options: ConsumerOptions) {
    this.#state = state
    this.#clientId = options.clientId
    this.#isolation = options.isolation
    if (options.group) this.#session = new GroupSession(state, options.clientId, options.group, this.#wake)
  }

  subscribe(topics: readonly string[], listener: AssignmentListener): void {
    this.#assertOpen()
    this.#sessionOrThrow().subscribe(topics, listener)
  }

  owned(): readonly TopicPartition[] {
    return this.#session?.owned() ?? []
  }

  /** How the group knows this consumer now. */
  membership(): Membership {
    this.#assertOpen()
    return this.#sessionOrThrow().membership()
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    this.#assertOpen()
    for (const position of positions) {
      const log = this.#state.log(position.topic, position.partition)
      const reader = new PartitionReader(position, log, position.offset)
      const key = partitionKey(position.topic, position.partition)
      reader.paused = this.#readers.get(key)?.paused ?? false
      this.#readers.get(key)?.log?.onAdvance.delete(this.#wake)
      log?.onAdvance.add(this.#wake)
      this.#readers.set(key, reader)
    }
    this.#order = [...this.#readers.values()]
    this.#endWait()
  }

  unassign(partitions: readonly TopicPartition[]): void {
    this.#assertOpen()
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      this.#readers.get(key)?.log?.onAdvance.delete(this.#wake)
      this.#readers.delete(key)
    }
    this.#order = [...this.#readers.values()]
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, true)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, false)
    this.#endWait()
  }

  poll(recordsMax: number): readonly RecordBatch[] {
    this.#assertOpen()
    this.#session?.poll()
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
    return this.#read(recordsMax)
  }

  async ready(timeoutMs: number): Promise<void> {
    if (this.#closed || this.#state.closed) return
    this.#session?.heartbeat()
    if (this.#hasNews()) return
    this.#endWait()
    await new Promise<void>(resolve => {
      this.#waiting = { resolve, timer: this.#state.clock.schedule(timeoutMs, this.#wake) }
    })
    this.#session?.heartbeat()
  }

  position({ topic, partition }: TopicPartition): number | undefined {
    return this.#readers.get(partitionKey(topic, partition))?.position
  }

  knownEnd({ topic, partition }: TopicPartition): number | undefined {
    return this.#readers.get(partitionKey(topic, partition))?.knownEnd
  }

  async committed(
    partitions: readonly TopicPartition[],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    const { groupId } = this.membership()
    this.#session?.heartbeat()
    const timeoutMs = options.timeoutMs ?? COMMITTED_TIMEOUT_MS
    const operation = { operation: 'offset-fetch', clientId: this.#clientId, groupId } as const
    return await this.#state.interceptions.run(operation, () =>
      fetchStableOffsets(this.#state, groupId, partitions, timeoutMs),
    )
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    const membership = this.membership()
    this.#session?.heartbeat()
    const { groupId } = membership
    const operation = { operation: 'offset-commit', clientId: this.#clientId, groupId } as const
    await this.#state.interceptions.run(operation, () => commitOffsets(this.#state, membership, offsets))
    await this.#state.settled()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const reader of this.#order) reader.log?.onAdvance.delete(this.#wake)
    this.#readers.clear()
    this.#order = []
    this.#session?.close()
    this.#endWait()
  }

  /**
   * Shares what may be read evenly among the partitions left; what one does not use goes to those behind it.
   */
  #read(recordsMax: number): RecordBatch[] {
    const batches: RecordBatch[] = []
    const { length } = this.#order
    this.#turn = length === 0 ? 0 : (this.#turn + 1) % length
    let left = recordsMax
    for (let index = 0; index < length && left > 0; index++) {
      const reader = this.#order[(this.#turn + index) % length] as PartitionReader
      if (!reader.active || !this.#mayFetch(reader)) continue
      this.#throwProblem(reader, batches)
      if (reader.failed) break
      const batch = reader.read(Math.ceil(left / (length - index)), this.#isolation)
      if (!batch) continue
      left -= batch.records.length
      batches.push(batch)
    }
    return batches
  }

  /** What was read before it in this poll must not get lost: the error then waits for the next one. */
  #throwProblem(reader: PartitionReader, batches: readonly RecordBatch[]): void {
    const problem = reader.problem()
    if (!problem) return
    reader.failed = true
    if (batches.length === 0) throw problem
    this.#error = problem
  }

  /** Without an interceptor always. With one, a fetch is asked for first, and may have to wait. */
  #mayFetch(reader: PartitionReader): boolean {
    if (!this.#state.interceptions.active) return true
    if (reader.gate === 'unasked') {
      // Nothing to fetch is nothing to ask for; but the reader must learn that this is the end.
      if (!reader.hasNews(this.#isolation)) return true
      this.#askToFetch(reader)
    }
    if (reader.gate !== 'open') return false
    reader.gate = 'unasked'
    return true
  }

  /** The answer may come at once, later, or never; the reader's gate says which. */
  #askToFetch(reader: PartitionReader): void {
    const { topic, partition } = reader
    const operation = { operation: 'fetch', clientId: this.#clientId, topic, partition } as const
    try {
      const answer = this.#state.interceptions.run(operation, () => undefined)
      reader.gate = answer === undefined ? 'open' : 'waiting'
      if (answer)
        void answer.then(
          () => this.#openGate(reader),
          error => this.#refuse(reader, error),
        )
    } catch (error) {
      this.#refuse(reader, error)
    }
  }

  #openGate(reader: PartitionReader): void {
    reader.gate = 'open'
    this.#endWait()
  }

  /** A client tries a retriable fetch again by itself. */
  #refuse(reader: PartitionReader, error: unknown): void {
    reader.gate = 'unasked'
    if (!(error instanceof BrokerError && error.class === 'retriable')) this.#error ??= error
    this.#endWait()
  }

  #hasNews(): boolean {
    if (this.#error !== undefined || this.#session?.hasNews()) return true
    return this.#order.some(reader => reader.hasNews(this.#isolation))
  }

  #setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    this.#assertOpen()
    for (const { topic, partition } of partitions) {
      const reader = this.#readers.get(partitionKey(topic, partition))
      if (reader) reader.paused = paused
    }
  }

  /** Whoever waits in `ready` looks again; the timer must not outlive the wait. */
  #endWait(): void {
    const waiting = this.#waiting
    if (!waiting) return
    this.#waiting = undefined
    waiting.timer.cancel()
    waiting.resolve()
  }

  #sessionOrThrow(): GroupSession {
    if (!this.#session) throw missingGroup()
    return this.#session
  }

  #assertOpen(): void {
    if (this.#closed) throw clientClosed('consumer')
    this.#state.assertOpen()
  }
}
