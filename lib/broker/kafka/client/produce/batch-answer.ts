/** What follows from a broker's answer about a batch. */
export type BatchAnswer =
  | 'accepted'
  /** The same batch is sent again after a backoff. */
  | 'again'
  /** The partition is unknown, perhaps because it is new. */
  | 'unknown-partition'
  /** A record of the batch is refused: the batch is split to find it. */
  | 'split'
  /** The sequence number does not follow, or the producer is fenced. */
  | 'sequence-error'
  | 'refused'

const ACCEPTED: ReadonlySet<number> = new Set([
  0,
  // DUPLICATE_SEQUENCE_NUMBER: the batch is in the log, and an earlier answer was lost.
  46,
])
/** Errors that pass: leaders move, replicas lag, disks fail. */
const AGAIN: ReadonlySet<number> = new Set([5, 6, 7, 8, 9, 13, 19, 20, 51, 56, 74, 75])
/** UNKNOWN_SERVER_ERROR and CORRUPT_MESSAGE, which may not pass: retried `FEW` times. */
const AGAIN_A_FEW_TIMES: ReadonlySet<number> = new Set([-1, 2])
const FEW = 5
const UNKNOWN: ReadonlySet<number> = new Set([3, 100])
/** Message or batch too large, invalid timestamp, invalid record. */
const SPLIT: ReadonlySet<number> = new Set([10, 18, 32, 87])
/** Sequence out of order, old epoch, no such transaction, wrong producer id, unknown producer, fenced. */
const SEQUENCE_ERRORS: ReadonlySet<number> = new Set([45, 47, 48, 49, 59, 90])

/** `failures` counts the errors with which the batch was answered before. */
export function batchAnswer(errorCode: number, failures: number): BatchAnswer {
  if (ACCEPTED.has(errorCode)) return 'accepted'
  if (AGAIN.has(errorCode)) return 'again'
  if (AGAIN_A_FEW_TIMES.has(errorCode) && failures < FEW) return 'again'
  if (UNKNOWN.has(errorCode)) return 'unknown-partition'
  if (SPLIT.has(errorCode)) return 'split'
  return SEQUENCE_ERRORS.has(errorCode) ? 'sequence-error' : 'refused'
}
