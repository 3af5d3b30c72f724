import { errorHeaders } from '../../processor/error-headers.ts'
import type { DeadLetter, ErrorHandlerContext, ErrorResponse } from '../../processor/error-handlers.ts'

/** What a handler of errors answered, in its short or its long form. */
export type HandlerAnswer<A extends string> = A | ErrorResponse<A>

export function answerOf<A extends string>(answer: HandlerAnswer<A>): A {
  return typeof answer === 'string' ? answer : answer.answer
}

/**
 * The records for dead letter queues: those that the handler gave, or, where it gave only a word, one for
 * `topic`, the application's (KIP-1034). It has the bytes of the record that was being processed, not of what
 * became of it on the way.
 */
export function deadLettersOf(
  answer: HandlerAnswer<string>,
  error: Error,
  context: ErrorHandlerContext,
  topic: string | undefined,
): readonly DeadLetter[] {
  if (typeof answer !== 'string' && answer.deadLetters) return answer.deadLetters
  if (topic === undefined) return []
  const { source, timestamp } = context
  const headers = [...context.headers, ...errorHeaders(error, context)]
  return [{ topic, key: source?.key ?? null, value: source?.value ?? null, timestamp, headers }]
}
