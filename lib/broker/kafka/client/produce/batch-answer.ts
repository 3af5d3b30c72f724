/** What a broker's answer about a batch leads to. */
export type BatchAnswer =
  | 'accepted'
  /** The same batch again, after a moment. */
  | 'again'
  /** The cluster may not know the partition yet. */
  | 'unknown-partition'
  /** Some record in it is refused. */
  | 'split'
  /** The broker counts otherwise than we, or another producer has taken over. */
  | 'sequence-error'
  | 'refused'

const ACCEPTED: ReadonlySet<number> = new Set([
  0,
  // The answer to an earlier attempt was lost: the batch is in the log.
  46,
])
/** Leaders move, replicas lag behind, disks fail and are replaced. */
const AGAIN: ReadonlySet<number> = new Set([5, 6, 7, 8, 9, 13, 19, 20, 51, 56, 74, 75])
/** An error nobody foresaw, and bytes that were mangled on their way: a few times. */
const AGAIN_A_FEW_TIMES: ReadonlySet<number> = new Set([-1, 2])
const FEW = 5
const UNKNOWN: ReadonlySet<number> = new Set([3, 100])
/** Too large, invalid record, invalid timestamp. */
const SPLIT: ReadonlySet<number> = new Set([10, 18, 32, 87])
/** Out of order, unknown producer, old epoch, fenced, unknown transaction, wrong mapping. */
const SEQUENCE_ERRORS: ReadonlySet<number> = new Set([45, 47, 48, 49, 59, 90])

/** `failures`: how often the batch was answered with an error before. */
export function batchAnswer(errorCode: number, failures: number): BatchAnswer {
  if (ACCEPTED.has(errorCode)) return 'accepted'
  if (AGAIN.has(errorCode)) return 'again'
  if (AGAIN_A_FEW_TIMES.has(errorCode) && failures < FEW) return 'again'
  if (UNKNOWN.has(errorCode)) return 'unknown-partition'
  if (SPLIT.has(errorCode)) return 'split'
  return SEQUENCE_ERRORS.has(errorCode) ? 'sequence-error' : 'refused'
}
