import { ErrorHandlerError, errorFrom } from '../../common/errors/errors.ts'
import { isPromise, silence } from '../../common/promises.ts'
import type { DeadLetter } from '../../processor/error-handlers.ts'
import type { HandlerAnswer } from './dead-letters.ts'

/** The question that a handler of errors is asked, and the answers it may give. */
export interface HandlerQuestion<A extends string> {
  /** Name of the setting. */
  readonly handler: string
  readonly answers: readonly A[]
  /** The place of the failure: `node "x" of task 0_0 failed on record in-0@5`. */
  readonly place: string
}

export const ERROR_ANSWERS = ['fail', 'continue'] as const
export const PROCESSING_ANSWERS = ['fail', 'continue', 'rollback'] as const
export const PRODUCTION_ANSWERS = ['fail', 'continue', 'retry'] as const

/**
 * Asks a handler of errors. A type checker holds its answers; a program without types may forget one,
 * misspell it or return a promise. A wrong answer, or an exception, ends the application with
 * `ErrorHandlerError`: nobody has decided that the record may be dropped.
 */
export function askHandler<A extends string, C>(
  handler: (error: Error, context: C) => HandlerAnswer<A>,
  error: Error,
  context: C,
  question: HandlerQuestion<A>,
): HandlerAnswer<A> {
  let answer: HandlerAnswer<A>
  try {
    answer = handler(error, context)
  } catch (thrown) {
    throw failed(question, error, `threw: ${errorFrom(thrown).message}`, thrown)
  }
  const fault = faultOf(answer, question.answers)
  if (fault === undefined) return answer
  silence(answer)
  throw failed(question, error, fault, undefined)
}

function failed(
  { handler, place }: HandlerQuestion<string>,
  error: Error,
  fault: string,
  thrown: unknown,
): ErrorHandlerError {
  const message = `${place}: ${error.message}. ${handler} was asked what to do, and ${fault}`
  return new ErrorHandlerError(message, { cause: error, thrown })
}

/** The fault of an answer; undefined where it has none. */
function faultOf(given: unknown, answers: readonly string[]): string | undefined {
  if (isPromise(given)) return `returned a promise: it is called synchronously, and cannot wait`
  const isLong = typeof given === 'object' && given !== null
  const { answer, deadLetters } = (isLong ? given : { answer: given }) as { [field: string]: unknown }
  if (!answers.includes(answer as string)) {
    return `answered ${shown(given, answer)}: it may answer ${answers.map(word => `'${word}'`).join(' or ')}`
  }
  if (deadLetters === undefined) return undefined
  if (!Array.isArray(deadLetters)) return 'answered with deadLetters that are no array'
  const letters = deadLetters as readonly Partial<DeadLetter>[]
  const fault = letters.map(faultOfLetter).find(found => found !== undefined)
  return fault === undefined ? undefined : `answered with a dead letter whose ${fault}`
}

function shown(given: unknown, answer: unknown): string {
  const word = typeof answer === 'string' ? `'${answer}'` : String(answer)
  return given === answer ? word : `{ answer: ${word} }`
}

/**
 * The fault of a dead letter; undefined where it has none. A negative timestamp is none: the letter has that
 * of its record.
 */
function faultOfLetter(letter: Partial<DeadLetter> | null | undefined): string | undefined {
  const { topic, key, value, timestamp, headers } = letter ?? {}
  if (typeof topic !== 'string' || topic === '') return 'topic is no name'
  if (!(key === null || key instanceof Uint8Array)) return 'key is neither bytes nor null'
  if (!(value === null || value instanceof Uint8Array)) return 'value is neither bytes nor null'
  if (!Number.isSafeInteger(timestamp)) return 'timestamp is no whole number of milliseconds'
  return Array.isArray(headers) ? undefined : 'headers are no array'
}
