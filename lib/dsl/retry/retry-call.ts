import { present } from '../../common/assert.ts'
import { copyAlone } from '../../common/bytes.ts'
import { decodeAttempt, encodeAttempt, type Attempted, type FailedCalls } from './attempt-format.ts'
import type { AsyncInput } from '../calls/input-format.ts'
import { PendingCall } from '../calls/pending-call.ts'
import type { ItemState, QueuedItem } from './retry-queue.ts'

/** One input of an operator with retry, from its arrival until it has succeeded or is given up. */
export class RetryCall<K = unknown, V = unknown, R = unknown>
  extends PendingCall<K, V, R>
  implements QueuedItem
{
  place: ItemState = 'ready'
  /** Of the source record: at hand also while only its bytes are kept. */
  readonly offset: number
  dueMs = 0
  /** Undefined before the first failure. */
  failed: FailedCalls | undefined
  /** How many times in a row its process has ended, not cleanly, while it may have been called. */
  interruptions: number
  /** Whether it may have ended the process before: it is called alone, after a commit that counts it. */
  isSuspect = false
  /** Whether it has been made to wait because of them. */
  isDelayed = false
  /** In which run its dead letter is processed again; '': in none. */
  readonly run: string
  /** Whether it is called while the circuit is open: then a failure counts no attempt. */
  isProbe = false
  /** As it was last written down. */
  #bytes: Uint8Array | undefined

  constructor(
    input: AsyncInput,
    record: { readonly key: K; readonly value: V } | undefined,
    lane: string | undefined,
    known: Omit<Attempted, 'input'>,
  ) {
    super(input, record, lane)
    this.offset = input.context.offset
    this.failed = known.failed
    this.interruptions = known.interruptions
    this.run = known.run
    this.dueMs = known.failed?.dueMs ?? 0
  }

  /** Read from its bytes where it has waited, and kept once it does not wait any more. */
  override get input(): AsyncInput {
    if (this.known) return this.known
    const { input } = decodeAttempt(present(this.#bytes, 'bytes of a call that waits'))
    if (!this.#waits) this.known = input
    return input
  }

  get #waits(): boolean {
    return this.place === 'parked' || this.place === 'behind' || this.place === 'held'
  }

  override get attempt(): number {
    return (this.failed?.attempts ?? 0) + 1
  }

  /** For backoff, and for letters: there is one also where a punctuator made the record. */
  get letterId(): string {
    return this.idempotencyKey ?? `punctuated-${this.timestamp}-${this.sequence}`
  }

  override toBytes(): Uint8Array {
    // One whose call is under way is soon done, or is parked, and then written once more.
    if (this.place === 'running' || this.place === 'ended') return encodeAttempt(this)
    const bytes = copyAlone(encodeAttempt(this))
    this.keepOnly(bytes)
    return bytes
  }

  /**
   * From then on it has these bytes alone, which are its own: slices of a fetch would keep all of the fetch
   * in memory for days, and objects take more than bytes.
   */
  keepOnly(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.known = this.#waits ? undefined : decodeAttempt(bytes).input
    // Read again before its next call.
    if (this.#waits) this.record = undefined
  }
}
