import { equalBytes } from '../../common/bytes.ts'
import type { Letter, LetterReason } from '../../processor/letter.ts'

/** Which letters are asked for; what is left out says nothing. */
export interface LetterFilter {
  /** Name of the operator, or of the node, that gave them up. */
  readonly operator?: string | undefined
  readonly ids?: readonly string[] | undefined
  /** Bytes of the source record's key. */
  readonly key?: Uint8Array | null | undefined
  /** Name of the last error, or a part of its message. */
  readonly error?: string | undefined
  readonly reason?: LetterReason | undefined
  /** Given up then or later, milliseconds since the epoch. */
  readonly sinceMs?: number | undefined
  /** Given up before that. */
  readonly untilMs?: number | undefined
  /** Any other condition. */
  readonly where?: ((letter: Letter) => boolean) | undefined
}

export const LETTER_REASONS: readonly LetterReason[] = [
  'gave-up',
  'non-retriable',
  'undeserialisable',
  'interrupted',
  'behind',
  'skipped',
  'ignored',
  'failed',
  'unwritable',
]

export function isWanted(letter: Letter, filter: LetterFilter): boolean {
  const { operator, ids, key, error, reason, sinceMs = -Infinity, untilMs = Infinity, where } = filter
  const { lastError, lastFailedMs } = letter
  return (
    (operator === undefined || letter.operator === operator) &&
    (ids === undefined || ids.includes(letter.id)) &&
    (key === undefined || equalBytes(letter.key, key)) &&
    (error === undefined || lastError.name === error || lastError.message.includes(error)) &&
    (reason === undefined || letter.reason === reason) &&
    lastFailedMs >= sinceMs &&
    lastFailedMs < untilMs &&
    (where === undefined || where(letter))
  )
}
