import { present } from '../../common/assert.ts'
import type { Timer } from '../../common/clock.ts'
import type { PendingItem } from '../../store/operator/pending-store.ts'
import { encodeInput, inputBytes, type AsyncInput } from './input-format.ts'

/** How a call ended. */
export type Outcome<R> = { readonly result: R } | { readonly failure: unknown }

/**
 * One input of an asynchronous operator, from its arrival until its result is applied. Its bytes are taken at
 * the arrival: what cannot be serialised is an error of its record and not of a commit, and what the call
 * does to the objects changes nothing.
 */
export class PendingCall<K = unknown, V = unknown, R = unknown> implements PendingItem {
  protected known: AsyncInput | undefined
  /** In milliseconds since the epoch, and bytes, as long as it waits. */
  readonly timestamp: number
  readonly byteLength: number
  /** Undefined as long as it has only been found in the store. */
  record: { readonly key: K; readonly value: V } | undefined
  /** Calls with the same lane run one after the other. */
  readonly lane: string | undefined
  /** In the pending store. */
  sequence = -1
  state: 'waiting' | 'running' | 'ended' = 'waiting'
  outcome: Outcome<R> | undefined
  /** The next one of the lane, which waits for this one. */
  successor: PendingCall<K, V, R> | undefined
  /** While running. */
  controller: AbortController | undefined
  timer: Timer | undefined

  constructor(
    input: AsyncInput,
    record: { readonly key: K; readonly value: V } | undefined,
    lane: string | undefined,
  ) {
    this.known = input
    this.timestamp = input.context.timestamp
    this.byteLength = inputBytes(input)
    this.record = record
    this.lane = lane
  }

  get input(): AsyncInput {
    return present(this.known, 'input of a call')
  }

  get key(): K {
    return present(this.record, 'record of a call that is made').key
  }

  get value(): V {
    return present(this.record, 'record of a call that is made').value
  }

  toBytes(): Uint8Array {
    return encodeInput(this.input)
  }

  /** Which call this is for its input, from 1. */
  get attempt(): number {
    return 1
  }

  get idempotencyKey(): string | undefined {
    const { context, ordinal } = this.input
    if (context.topic === undefined) return undefined
    const place = `${context.topic}-${context.partition}-${context.offset}`
    return ordinal === 0 ? place : `${place}-${ordinal}`
  }
}
