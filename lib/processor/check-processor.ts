import { TopologyError } from '../common/errors/errors.ts'
import { isPromise } from '../common/promises.ts'
import type { Processor } from './processor.ts'

/**
 * JavaScript gives no types at run time: a factory may forget its `return`. A promise is told with advice of
 * its own, where it is met.
 */
export function checkProcessor(name: string, processor: Processor): void {
  const made = processor as Partial<Processor> | null | undefined
  if (typeof made?.process === 'function' || isPromise(made)) return
  const what = made === null || typeof made !== 'object' ? String(made) : 'an object without process()'
  throw new TopologyError(
    'INVALID_PROCESSOR',
    `the supplier of "${name}" returned ${what}: get() must return a new processor, an object with process(record); is a "return" missing?`,
  )
}
