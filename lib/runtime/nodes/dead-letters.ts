import { errorHeaders } from '../../processor/error-headers.ts'
import type { DeadLetter, ErrorHandlerContext, ErrorResponse } from '../../processor/error-handlers.ts'

/** The answer of a handler of errors, in its short or its long form. */
export type HandlerAnswer<A extends string> = A | ErrorResponse<A>

export function answerOf<A extends string>(answer: HandlerAnswer<A>): A {
  return typeof answer === 'string' ? answer : answer.answer
}

/**
 * The records for dead letter queues: those that the handler gave, or, where its answer is only a word, one
 * for `topic`, the application's (KIP-1034). That one has the bytes of the record being processed as they
 * were read from its topic.
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
