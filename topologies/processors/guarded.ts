import type { Counter, Processor, ProcessorContext, ProcessorSupplier, Record, StoreBuilder } from 'millrace'

export interface GuardedOptions<KIn, VIn, KOut, VOut> {
  /** What it uses; none for what fills a global store. */
  readonly stores?: readonly StoreBuilder[]
  /** Which records it gets. Default: those that have a key and a value. */
  readonly accepts?: (record: Record<KIn | null, VIn | null>) => boolean
  /** Called when the context is known, so that the processor has its stores from the beginning. */
  readonly make: (context: ProcessorContext<KOut, VOut>) => Pick<Processor<KIn, VIn>, 'process'>
}

/**
 * A processor behind a guard: a record that it does not accept is none of ours, and must not stop the
 * topology. `filter` would leave it out unseen; here it is counted with what the engine drops.
 */
export function guarded<KIn, VIn, KOut = unknown, VOut = unknown>({
  stores = [],
  accepts = hasBoth,
  make,
}: GuardedOptions<KIn, VIn, KOut, VOut>): ProcessorSupplier<KIn | null, VIn | null, KOut, VOut> {
  return {
    stores,
    get() {
      let inner: Pick<Processor<KIn, VIn>, 'process'>
      let dropped: Counter
      return {
        init(context) {
          const { metrics, taskId } = context
          dropped = metrics.meter('dropped-records', { 'task-id': taskId }, 'stream-task-metrics')
          inner = make(context)
        },
        process(record) {
          if (accepts(record)) inner.process(record as Record<KIn, VIn>)
          else dropped.add()
        },
      }
    },
  }
}

function hasBoth({ key, value }: Record<unknown, unknown>): boolean {
  return key !== null && value !== null
}
