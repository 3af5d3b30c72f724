import type { Headers } from '../../common/headers.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'

/** What an asynchronous callback is told about its input. */
export interface AsyncCall {
  /**
   * Aborts when the call has lasted `timeoutMs`, and when its task leaves this process or goes back to its
   * last commit. The result of an aborted call is not used.
   */
  readonly signal: AbortSignal
  /** A copy: changes go nowhere. */
  readonly headers: Headers
  readonly timestamp: number
  /** Where the record came from. Undefined, with -1 for partition and offset, where a punctuator made it. */
  readonly topic: string | undefined
  readonly partition: number
  readonly offset: number
  /**
   * `<topic>-<partition>-<offset>`, and where one input makes several calls a number behind it: the same
   * whenever the call is repeated, so that a service can tell a repetition from a new request. Undefined
   * where a punctuator made the record.
   */
  readonly idempotencyKey: string | undefined
  /** Which call this is for its input, from 1; above that only with `retry`. Outages may not count. */
  readonly attempt: number
}

/** May be called again for the same input after a failure; the value and the key are not to be changed. */
export type AsyncMapper<K, V, R> = (value: V, key: K, call: AsyncCall) => PromiseLike<R>

/** What an asynchronous processor may know: no stores, for its calls belong to no transaction. */
export type AsyncProcessorContext = Pick<
  ProcessorContext,
  'applicationId' | 'taskId' | 'metrics' | 'logger' | 'currentSystemTimeMs'
>

/** The records to forward: one, several in this order, or none. */
export type AsyncOutput<K, V> = Record<K, V> | Iterable<Record<K, V>> | null | undefined | void

/**
 * A node's asynchronous code. One object serves one task, with many calls at a time. It gets no stores: a
 * call runs beside the records of its task, so what it read would be a moment of some open transaction, and
 * what it wrote would belong to another one than its output. Look things up before it (a join,
 * `processValues`) and keep results behind it (`toTable`, an aggregation, `process`).
 */
export interface AsyncProcessor<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> {
  init?(context: AsyncProcessorContext): void
  /** What it resolves with is forwarded later, on the synchronous path, with the place of the input. */
  process(record: Record<KIn, VIn>, call: AsyncCall): PromiseLike<AsyncOutput<KOut, VOut>>
  close?(): void
}

/**
 * Makes a processor for every task, and again after an abort: a new object each time. The function, or an
 * object with `get`.
 */
export type AsyncProcessorFactory<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> =
  (() => AsyncProcessor<KIn, VIn, KOut, VOut>) | { get(): AsyncProcessor<KIn, VIn, KOut, VOut> }
