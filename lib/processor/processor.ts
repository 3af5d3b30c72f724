import type { StoreBuilder } from '../store/contract/state-store.ts'
import type { ProcessorContext } from './processor-context.ts'
import type { Record } from './record.ts'

/**
 * A node's code. One object serves one task and is used by nobody else at the same time. `process` is
 * synchronous: returning a promise is an error that names the asynchronous operators.
 */
export interface Processor<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> {
  init?(context: ProcessorContext<KOut, VOut>): void
  process(record: Record<KIn, VIn>): void
  close?(): void
}

/**
 * Makes a processor for every task, and again after an abort: it must return a new object each time. `stores`
 * are added to the topology and connected to the node (KIP-401).
 */
export interface ProcessorSupplier<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> {
  get(): Processor<KIn, VIn, KOut, VOut>
  readonly stores?: readonly StoreBuilder[]
}
