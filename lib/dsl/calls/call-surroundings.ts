import { withRecord } from '../../common/context/current-record.ts'
import type { Header } from '../../common/headers.ts'
import type { Tracer } from '../../common/context/tracer.ts'
import type { DeferringContext } from '../../processor/deferred-work.ts'
import type { PendingCall } from './pending-call.ts'

/** Runs calls where `currentRecord` knows their record, and where each has a span of its own. */
export class CallSurroundings {
  readonly #context: Pick<DeferringContext, 'applicationId' | 'taskId' | 'asyncContext'>
  readonly #tracer: Tracer | undefined
  readonly #operator: string

  constructor(
    context: Pick<DeferringContext, 'applicationId' | 'taskId' | 'asyncContext' | 'tracer'>,
    operator: string,
  ) {
    this.#context = context
    this.#tracer = context.tracer
    this.#operator = operator
  }

  /** `work` gets the headers that a request which it makes is to have. */
  within<T>(call: PendingCall, work: (headers: readonly Header[]) => T): T {
    const { context } = call.input
    const here = (headers: readonly Header[]) =>
      this.#context.asyncContext ? withRecord(context, () => work(headers)) : work(headers)
    if (!this.#tracer) return here(context.headers)
    const { applicationId, taskId } = this.#context
    const operation = { kind: 'call', name: this.#operator, applicationId, taskId, context } as const
    return this.#tracer.trace({ ...operation, attempt: call.attempt }, here)
  }
}
