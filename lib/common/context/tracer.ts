import type { Header } from '../headers.ts'
import type { RecordContext } from '../record-context.ts'

/** One piece of user code that runs for a record. */
export interface TracedOperation {
  /** `process`: a record goes through a task. `call`: one call of an asynchronous operator. */
  readonly kind: 'process' | 'call'
  /** Name of the topic, or of the operator. */
  readonly name: string
  readonly applicationId: string
  readonly taskId: string
  readonly context: RecordContext
  /** Number of the call for its input, from 1. */
  readonly attempt?: number | undefined
}

/** Makes spans. Nothing here may fail: what goes wrong in tracing is no reason to stop a record. */
export interface Tracer {
  /**
   * Runs `work`, which gets the headers that its outputs are to have: those of the record, with the span in
   * the place of the one that led to it. The span ends when `work` returns, or when the promise that it
   * returns is settled.
   */
  trace<T>(operation: TracedOperation, work: (headers: readonly Header[]) => T): T
}
