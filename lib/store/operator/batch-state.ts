import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { Serde } from '../../serde/serde.ts'

const STATES = ['running', 'completed', 'timed-out', 'failed'] as const

/** A batch whose results are gathered, as its store has it. */
export interface GatheredBatch {
  readonly state: (typeof STATES)[number]
  readonly succeeded: number
  readonly failed: number
  /** Null where no record has said it. */
  readonly total: number | null
  /** When its first record was processed, by the wall clock. */
  readonly startedAtMs: number
  /** When it has timed out, if it is still running. */
  readonly deadlineAtMs: number
  /** Null while it runs. */
  readonly endedAtMs: number | null
}

/** The batch with what its operator needs besides. */
export interface BatchState extends GatheredBatch {
  state: GatheredBatch['state']
  succeeded: number
  failed: number
  total: number | null
  endedAtMs: number | null
  /** Timestamp of its first record, which is the same whenever that is processed again. */
  readonly firstTimestamp: number
  /** Timestamp of the record that said the total; -1 without one. */
  totalTimestamp: number
  /** The part of its results that was begun last; null without any. */
  lastSegment: number | null
}

const VERSION = 1
const STATE_AT = 1
const TIMES_AT = 2
const COUNTS_AT = TIMES_AT + 6 * 8
const LENGTH = COUNTS_AT + 3 * 4
/** Stands for null in a field of 32 bits, where no number is as large. */
const NONE = 0xffff_ffff

/**
 * `version (1) ‖ state (1) ‖ times and total (6 × 8, floats, −1: null) ‖ counts and segment (3 × 4)`: at a
 * fixed length, since it is written with every result.
 */
export const batchStateSerde: Serde<BatchState> = {
  name: 'gathered-batch',

  serialize(batch) {
    const bytes = Buffer.allocUnsafe(LENGTH)
    bytes[0] = VERSION
    bytes[STATE_AT] = STATES.indexOf(batch.state)
    const { startedAtMs, deadlineAtMs, endedAtMs, firstTimestamp, total, totalTimestamp } = batch
    const times = [startedAtMs, deadlineAtMs, endedAtMs ?? -1, firstTimestamp, total ?? -1, totalTimestamp]
    for (const [at, time] of times.entries()) bytes.writeDoubleBE(time, TIMES_AT + at * 8)
    const counts = [batch.succeeded, batch.failed, batch.lastSegment ?? NONE]
    for (const [at, count] of counts.entries()) bytes.writeUInt32BE(count, COUNTS_AT + at * 4)
    return bytes
  },

  deserialize(data, { topic }) {
    const bytes = asBuffer(data)
    const state = STATES[bytes[STATE_AT] ?? -1]
    if (bytes[0] !== VERSION || bytes.length !== LENGTH || state === undefined) {
      throw new StreamsError(
        'UNKNOWN_FORMAT',
        `a batch in "${topic}" has ${bytes.length} bytes of version ${bytes[0]}, and this program knows version ${VERSION} alone: run ` +
          'the program that wrote it, or a newer one',
      )
    }
    const time = (at: number) => bytes.readDoubleBE(TIMES_AT + at * 8)
    const count = (at: number) => bytes.readUInt32BE(COUNTS_AT + at * 4)
    return {
      state,
      startedAtMs: time(0),
      deadlineAtMs: time(1),
      endedAtMs: orNull(time(2), -1),
      firstTimestamp: time(3),
      total: orNull(time(4), -1),
      totalTimestamp: time(5),
      succeeded: count(0),
      failed: count(1),
      lastSegment: orNull(count(2), NONE),
    }
  },
}

function orNull(number: number, none: number): number | null {
  return number === none ? null : number
}
