import type { TaskId } from '../common/ids.ts'
import type { Header } from '../common/headers.ts'
import type { RawSource } from '../common/record-context.ts'

/** `continue` drops the record (counted as `dropped-records-total`), `fail` stops the application with the error. */
export type ErrorAnswer = 'fail' | 'continue'

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
export type DeserializationErrorHandler = (error: Error, context: ErrorHandlerContext) => ErrorAnswer

/** A processor or punctuator that throws (KIP-1033). */
export type ProcessingErrorHandler = (error: Error, context: ErrorHandlerContext) => ErrorAnswer

/** An output record that cannot be serialised or that the broker refuses for good (KIP-210, KIP-399). */
export type ProductionErrorHandler = (error: Error, context: ProductionErrorContext) => ErrorAnswer

export interface ProductionErrorContext {
  readonly taskId: TaskId | undefined
  readonly topic: string
  /** Which part could not be serialised, or that it was the broker that refused. */
  readonly origin: 'key' | 'value' | 'broker'
  readonly key: unknown
  readonly value: unknown
}

export const failOnError = (): ErrorAnswer => 'fail'
export const continueOnError = (): ErrorAnswer => 'continue'
