import type { TaskId } from '../common/ids.ts'
import type { Header } from '../common/headers.ts'
import type { RawSource } from '../common/record-context.ts'

/**
 * `continue` drops the record (counted as `dropped-records-total`), `fail` stops the application with the
 * error. A handler is called synchronously; one that throws, or answers anything else, stops the application
 * with `ERROR_HANDLER_FAILED`, whose cause is the error.
 */
export type ErrorAnswer = 'fail' | 'continue'

/**
 * Processing only, under exactly-once: whatever the record has led to is undone, what nodes before the one
 * that failed have put and forwarded too; then it is dropped, with its dead letter. `continue` leaves that,
 * as Kafka Streams does. It costs an abort, and the records since the last commit are processed again without
 * it.
 */
export type ProcessingErrorAnswer = ErrorAnswer | 'rollback'

/** Production only: the transaction is aborted, and everything since the last commit is processed again. */
export type ProductionErrorAnswer = ErrorAnswer | 'retry'

/** A record for a dead letter queue; it is written in the transaction of the records around it (KIP-1034). */
export interface DeadLetter {
  /** Must exist. The record's key chooses the partition. */
  readonly topic: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: readonly Header[]
}

/**
 * An answer with dead letters of the handler's own. A handler that answers with a word alone leaves it to the
 * setting `deadLetterQueueTopic`.
 */
export interface ErrorResponse<A extends string = ErrorAnswer> {
  readonly answer: A
  readonly deadLetters?: readonly DeadLetter[]
}

/** Where an error happened. Bytes and headers are those of the source record; undefined in a punctuator. */
export interface ErrorHandlerContext {
  readonly taskId: TaskId
  /** Undefined before a record has reached a node. */
  readonly nodeName: string | undefined
  readonly topic: string | undefined
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: readonly Header[]
  readonly source: RawSource | undefined
}

/** A record whose bytes a serde, or whose timestamp an extractor, refuses (KIP-161). */
export type DeserializationErrorHandler = (
  error: Error,
  context: ErrorHandlerContext,
) => ErrorAnswer | ErrorResponse

/** A processor or punctuator that throws (KIP-1033). */
export type ProcessingErrorHandler = (
  error: Error,
  context: ErrorHandlerContext,
) => ProcessingErrorAnswer | ErrorResponse<ProcessingErrorAnswer>

/** An output record that cannot be serialised or that the broker refuses for good (KIP-210, KIP-399). */
export type ProductionErrorHandler = (
  error: Error,
  context: ProductionErrorContext,
) => ProductionErrorAnswer | ErrorResponse<ProductionErrorAnswer>

export interface ProductionErrorContext {
  readonly taskId: TaskId | undefined
  readonly topic: string
  /** Which part could not be serialised, or that it was the broker that refused. */
  readonly origin: 'key' | 'value' | 'broker'
  readonly key: unknown
  readonly value: unknown
  /** The record that was being processed; undefined in a global store's processor. */
  readonly input: ErrorHandlerContext | undefined
}

export const failOnError = (): ErrorAnswer => 'fail'
export const continueOnError = (): ErrorAnswer => 'continue'
