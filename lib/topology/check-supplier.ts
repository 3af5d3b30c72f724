import { TopologyError } from '../common/errors/errors.ts'
import { isPromise } from '../common/promises.ts'
import type { ProcessorSupplier } from '../processor/processor.ts'
import { checkProcessor } from '../processor/check-processor.ts'

/**
 * One processor in two tasks would mix their state without any error, so it is found out here; and what is
 * none at all.
 */
export function checkSupplier(name: string, supplier: ProcessorSupplier): void {
  const { get } = (supplier ?? {}) as Partial<ProcessorSupplier>
  if (typeof get !== 'function') {
    throw new TopologyError(
      'INVALID_SUPPLIER',
      `the supplier of "${name}" must be an object with get(), which makes a new processor at every call: { get: () => new MyProcessor() }`,
    )
  }
  const [one, other] = [supplier.get(), supplier.get()]
  // Promises are refused where the processor would be used; how they end is nobody's affair.
  for (const made of [one, other] as unknown[]) if (isPromise(made)) made.then(undefined, () => undefined)
  checkProcessor(name, one)
  if (one !== other) return
  throw new TopologyError(
    'SUPPLIER_REUSES_PROCESSOR',
    `the supplier of "${name}" returned the same processor twice: it must make a new one at every call.`,
  )
}
