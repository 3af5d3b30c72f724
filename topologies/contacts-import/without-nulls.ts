import type { Processor, ProcessorContext, ProcessorSupplier, Record } from 'millrace'

/**
 * The same processor behind a guard: a record without key or value is none of ours, and must not stop the
 * imports. It is dropped, and counted as the engine counts what it drops.
 */
export function withoutNulls<KIn, VIn, KOut, VOut>(
  supplier: ProcessorSupplier<KIn, VIn, KOut, VOut>,
): ProcessorSupplier<KIn, VIn, KOut, VOut> {
  return { ...supplier, get: () => new Guard(supplier.get()) }
}

class Guard<KIn, VIn, KOut, VOut> implements Processor<KIn, VIn, KOut, VOut> {
  readonly #inner: Processor<KIn, VIn, KOut, VOut>
  #context: ProcessorContext<KOut, VOut> | undefined

  constructor(inner: Processor<KIn, VIn, KOut, VOut>) {
    this.#inner = inner
  }

  init(context: ProcessorContext<KOut, VOut>): void {
    this.#context = context
    this.#inner.init?.(context)
  }

  process(record: Record<KIn, VIn>): void {
    if (record.key !== null && record.value !== null) return this.#inner.process(record)
    const { metrics, taskId } = this.#context!
    metrics.meter('dropped-records', { 'task-id': taskId }, 'stream-task-metrics').add()
  }

  close(): void {
    this.#inner.close?.()
  }
}
