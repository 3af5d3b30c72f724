import { encodeAttempt, type Attempted, type FailedCalls } from './attempt-format.ts'
import { inputBytes, type AsyncInput } from './input-format.ts'
import { PendingCall } from './pending-call.ts'
import type { ItemState, QueuedItem } from './retry-queue.ts'

/** One input of an operator with retry, from its arrival until it has succeeded or is given up. */
export class RetryCall<K = unknown, V = unknown, R = unknown>
  extends PendingCall<K, V, R>
  implements QueuedItem
{
  place: ItemState = 'ready'
  dueMs = 0
  /** Undefined before the first failure. */
  failed: FailedCalls | undefined
  /** How many times in a row its process has ended, not cleanly, while it may have been called. */
  interruptions: number
  /** Whether it has been made to wait because of them. */
  isDelayed = false
  /** Whether it is called while the circuit is open: then a failure counts no attempt. */
  isProbe = false

  constructor(
    input: AsyncInput,
    record: { readonly key: K; readonly value: V } | undefined,
    lane: string | undefined,
    known: Pick<Attempted, 'failed' | 'interruptions'>,
  ) {
    super(input, record, lane)
    this.failed = known.failed
    this.interruptions = known.interruptions
    this.dueMs = known.failed?.dueMs ?? 0
  }

  override get byteLength(): number {
    return inputBytes(this.input)
  }

  override get attempt(): number {
    return (this.failed?.attempts ?? 0) + 1
  }

  override toBytes(): Uint8Array {
    return encodeAttempt(this)
  }

  /** For backoff, and for letters: there is one also where a punctuator made the record. */
  get letterId(): string {
    return this.idempotencyKey ?? `punctuated-${this.input.context.timestamp}-${this.sequence}`
  }
}
