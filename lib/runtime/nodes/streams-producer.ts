import type { OutgoingRecord, Producer } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import type { RecordContext } from '../../common/record-context.ts'

/** The sender of a record: asked when the broker refuses it for good. */
export interface RecordOrigin {
  /** Context of the record being processed. */
  recordContext(): RecordContext
  /** Decides about a refusal: returns where the record may be dropped, else throws what ends the run. */
  refused(error: BrokerError, record: OutgoingRecord, context: RecordContext): void
}

/**
 * The way of records out: the thread's output, or a test driver. Refusals that are known at once go to
 * `origin`.
 */
export interface RecordSink {
  /** Whether `send` is done with a record's bytes when it returns. */
  readonly copies: boolean
  send(record: OutgoingRecord, origin: RecordOrigin): void
}

interface HeldRecord {
  readonly record: OutgoingRecord
  readonly origin: RecordOrigin
  readonly context: RecordContext
}

/** Bytes that may wait for a commit; beyond them processing stops until the commit is through. */
const HELD_BYTES_MAX = 32 * 1024 * 1024
const HELD_RECORDS_MAX = 200_000
/** Memory of a record besides its key and value: objects and headers. */
const OVERHEAD_BYTES = 200

/**
 * The way to the thread's producer. Some producers take no record of the next transaction while they commit
 * one: then outputs of further processing wait here, in order, with the context of their input, which a
 * refusal needs.
 */
export class StreamsProducer implements RecordSink {
  readonly #producer: Producer
  #held: HeldRecord[] = []
  #heldBytes = 0
  #isHolding = false

  constructor(producer: Producer) {
    this.#producer = producer
  }

  get copies(): boolean {
    return this.#producer.copies === true && !this.#isQueueing
  }

  get writable(): boolean {
    if (!this.#isQueueing) return this.#producer.writable
    return this.#heldBytes < HELD_BYTES_MAX && this.#held.length < HELD_RECORDS_MAX
  }

  send(record: OutgoingRecord, origin: RecordOrigin): void {
    if (!this.#isQueueing) {
      this.#hand(record, origin, undefined)
      return
    }
    this.#held.push({ record, origin, context: origin.recordContext() })
    this.#heldBytes += OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  }

  /** Whether records that are sent wait for the commit under way, here or in the producer. */
  get isHolding(): boolean {
    return this.#isHolding
  }

  /** Makes all further records part of the next epoch. */
  hold(): void {
    this.#isHolding = true
    this.#producer.sendAhead?.()
  }

  /** Sends the waiting records: the next epoch's transaction is open. */
  release(): void {
    this.#isHolding = false
    const held = this.#held
    this.#forget()
    for (const { record, origin, context } of held) this.#hand(record, origin, context)
  }

  /** Drops the waiting records: their epoch is taken back. */
  drop(): void {
    this.#isHolding = false
    this.#forget()
  }

  get #isQueueing(): boolean {
    return this.#isHolding && this.#producer.sendAhead === undefined
  }

  #hand(record: OutgoingRecord, origin: RecordOrigin, context: RecordContext | undefined): void {
    try {
      this.#producer.send(record)
    } catch (error) {
      if (!(error instanceof BrokerError && error.class === 'record-refused')) throw error
      origin.refused(error, record, context ?? origin.recordContext())
    }
  }

  #forget(): void {
    this.#held = []
    this.#heldBytes = 0
  }
}
