import type { RecordContext } from '../../common/record-context.ts'
import { contextOf, letterHeaders, readLetter, type LetterReason } from '../../processor/letter.ts'
import type { DeadLetter, ErrorHandlerContext, ErrorResponse } from '../../processor/error-handlers.ts'

/** The answer of a handler of errors, in its short or its long form. */
export type HandlerAnswer<A extends string> = A | ErrorResponse<A>

export function answerOf<A extends string>(answer: HandlerAnswer<A>): A {
  return typeof answer === 'string' ? answer : answer.answer
}

/** What a letter tells beside the error and the record. */
export interface LetterGiven {
  readonly applicationId: string
  /** The application's; undefined: no letters. */
  readonly topic: string | undefined
  readonly reason: LetterReason
  readonly nowMs: () => number
}

/**
 * The records for dead letter queues: those that the handler gave, or, where its answer is only a word, one
 * for `topic`, the application's (KIP-1034). That one has the bytes of the record being processed as they
 * were read from its topic, and can be processed again.
 */
export function deadLettersOf(
  answer: HandlerAnswer<string>,
  error: Error,
  context: ErrorHandlerContext,
  { applicationId, topic: letterTopic, reason, nowMs }: LetterGiven,
): readonly DeadLetter[] {
  if (typeof answer !== 'string' && answer.deadLetters) return answer.deadLetters
  if (letterTopic === undefined) return []
  const origin = originOf(context, applicationId)
  const { topic, partition, offset, timestamp, source } = origin
  const failedMs = nowMs()
  const failure = { name: String(error.name), message: String(error.message), stack: error.stack }
  const headers = letterHeaders({
    id: topic === undefined ? `punctuated-${timestamp}` : `${topic}-${partition}-${offset}`,
    applicationId,
    operator: context.nodeName ?? '',
    reason,
    attempts: 1,
    firstFailedMs: failedMs,
    lastFailedMs: failedMs,
    firstError: failure,
    lastError: failure,
    context: origin,
  })
  return [{ topic: letterTopic, key: source?.key ?? null, value: source?.value ?? null, timestamp, headers }]
}

/** The place and time of a record that was read again as a letter. */
function originOf(context: ErrorHandlerContext, applicationId: string): Omit<RecordContext, 'readAt'> {
  const { topic, headers, source, timestamp } = context
  if (!source || !topic?.startsWith(`${applicationId}-`) || !topic.endsWith('-replay')) return context
  const letter = readLetter({ key: source.key, value: source.value, headers, timestamp })
  return letter ? contextOf(letter) : context
}
