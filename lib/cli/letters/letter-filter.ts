import type { Letter, LetterReason } from '../../processor/letter.ts'

/** Which letters are asked for; undefined: all. */
export interface LetterFilter {
  /** As it is printed. */
  readonly key?: string | undefined
  /** Name of the last error, or a part of its message. */
  readonly error?: string | undefined
  readonly reason?: LetterReason | undefined
  /** Given up then or later, milliseconds since the epoch. */
  readonly sinceMs?: number | undefined
}

export const LETTER_REASONS: readonly LetterReason[] = [
  'gave-up',
  'non-retriable',
  'undeserialisable',
  'interrupted',
  'behind',
]

/** `keyText`: the letter's key as it is printed. */
export function isWanted(
  letter: Letter,
  keyText: string,
  { key, error, reason, sinceMs }: LetterFilter,
): boolean {
  const { lastError, lastFailedMs } = letter
  return (
    (key === undefined || key === keyText) &&
    (error === undefined || lastError.name === error || lastError.message.includes(error)) &&
    (reason === undefined || letter.reason === reason) &&
    (sinceMs === undefined || lastFailedMs >= sinceMs)
  )
}
