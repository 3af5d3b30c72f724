import type { OutgoingRecord, Producer } from '../broker/broker.ts'
import { BrokerError } from '../broker/broker-error.ts'
import type { RecordContext } from '../common/record-context.ts'

/** Who sent a record: asked when the broker takes none of it. */
export interface RecordOrigin {
  /** Of the record being processed. */
  recordContext(): RecordContext
  /** Throws what ends the run, or has dealt with the refusal. */
  refused(error: unknown, record: OutgoingRecord, context: RecordContext): void
}

/** Where bytes go: the thread's output, or a test driver. Refusals that are known at once go to `origin`. */
export interface RecordSink {
  send(record: OutgoingRecord, origin: RecordOrigin): void
}

interface HeldRecord {
  readonly record: OutgoingRecord
  readonly origin: RecordOrigin
  readonly context: RecordContext
}

/** How much may wait for a commit; beyond it processing stops until the commit is through. */
const HELD_BYTES_MAX = 32 * 1024 * 1024
const HELD_RECORDS_MAX = 200_000
/** Of a record without its key and value: objects and headers. */
const OVERHEAD_BYTES = 200

/**
 * The way to the thread's producer. A producer takes no record of the next transaction while it commits one, so what is processed
 * meanwhile waits here, in order, with the context of its input: who is asked about a refusal must not see another record.
 */
export class EpochOutput implements RecordSink {
  readonly #producer: Producer
  #held: HeldRecord[] = []
  #heldBytes = 0
  #isHolding = false

  constructor(producer: Producer) {
    this.#producer = producer
  }

  get writable(): boolean {
    if (!this.#isHolding) return this.#producer.writable
    return this.#heldBytes < HELD_BYTES_MAX && this.#held.length < HELD_RECORDS_MAX
  }

  send(record: OutgoingRecord, origin: RecordOrigin): void {
    if (!this.#isHolding) {
      this.#hand(record, origin, undefined)
      return
    }
    this.#held.push({ record, origin, context: origin.recordContext() })
    this.#heldBytes += OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  }

  get isHolding(): boolean {
    return this.#isHolding
  }

  /** From now on records belong to the next epoch. */
  hold(): void {
    this.#isHolding = true
  }

  /** The next epoch's transaction is open: what waited goes out. */
  release(): void {
    this.#isHolding = false
    const held = this.#held
    this.#forget()
    for (const { record, origin, context } of held) this.#hand(record, origin, context)
  }

  /** The epoch that was held is taken back. */
  drop(): void {
    this.#isHolding = false
    this.#forget()
  }

  #hand(record: OutgoingRecord, origin: RecordOrigin, context: RecordContext | undefined): void {
    try {
      this.#producer.send(record)
    } catch (error) {
      if (!(error instanceof BrokerError && error.class === 'record-too-large')) throw error
      origin.refused(error, record, context ?? origin.recordContext())
    }
  }

  #forget(): void {
    this.#held = []
    this.#heldBytes = 0
  }
}
