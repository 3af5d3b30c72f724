import type { ProducerIdentity } from '../../lib/broker/kafka/client/produce/outgoing-batch.ts'
import type { Clock } from '../../lib/common/clock.ts'

const FENCED = 47
const INVALID_TXN_STATE = 48

/** What belongs to a transaction that is under way. */
interface OpenTransaction {
  readonly sinceMs: number
  readonly values: string[]
  offset: number | undefined
}

/**
 * The one transactional id of a fake cluster, as its coordinator sees it: aborts what takes too long, and
 * fences who began it.
 */
export class FakeTransactions {
  readonly timeoutMs: number
  /** What a reader of committed records sees, and the offset committed with it. */
  readonly committed: string[] = []
  committedOffset = 0
  readonly #clock: Clock
  #epoch = 0
  #open: OpenTransaction | undefined
  #ended: 'commit' | 'abort' | undefined

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.timeoutMs = timeoutMs
  }

  /** A new producer: whatever the old one has begun is aborted. */
  init(): ProducerIdentity {
    this.#open = undefined
    this.#epoch += 1
    return { producerId: 7, epoch: this.#epoch }
  }

  /** Each of these answers with an error code. */
  check(epoch: number): number {
    const { sinceMs = Infinity } = this.#open ?? {}
    if (this.#clock.monotonicMs() - sinceMs > this.timeoutMs) this.init()
    return epoch === this.#epoch ? 0 : FENCED
  }

  join(epoch: number): number {
    const code = this.check(epoch)
    if (code === 0) this.#open ??= { sinceMs: this.#clock.monotonicMs(), values: [], offset: undefined }
    return code
  }

  offset(epoch: number, offset: number): number {
    const code = this.join(epoch)
    if (code === 0) this.#open!.offset = offset
    return code
  }

  end(kind: 'commit' | 'abort', epoch: number): number {
    const code = this.check(epoch)
    if (code !== 0) return code
    if (!this.#open) return this.#ended === kind ? 0 : INVALID_TXN_STATE
    const { values, offset } = this.#open
    if (kind === 'commit') {
      this.committed.push(...values)
      this.committedOffset = offset ?? this.committedOffset
    }
    this.#open = undefined
    this.#ended = kind
    return 0
  }

  /** Checked before. */
  write(values: readonly string[]): void {
    this.#open?.values.push(...values)
  }
}
