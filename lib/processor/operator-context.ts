import { assert } from '../common/assert.ts'
import type { Clock } from '../common/clock.ts'
import type { ProcessorContext } from './processor-context.ts'

/**
 * What the operators of the DSL may ask beyond the context that users get: times of their own that must
 * survive a restart. They are committed with the task's offsets, where Kafka Streams keeps its, and so go
 * back with an abort.
 */
export interface OperatorContext<KOut = unknown, VOut = unknown> extends ProcessorContext<KOut, VOut> {
  readonly nodeName: string
  readonly clock: Clock
  /** How much time lies between two looks for windows that have closed, by the monotonic clock. */
  readonly emitIntervalMs: number
  /** The time committed last under this name, which is unique in the task: in `init`. Undefined: none. */
  committedTimeMs(name: string): number | undefined
  /**
   * In `init`. `currentMs` is asked at every commit; below 0 there is nothing to keep. Times must not fall:
   * of several, the latest is believed. `ifRoom` (default false): it may be left out where a task has more
   * times than a broker takes with an offset.
   */
  keepTime(name: string, currentMs: () => number, options?: { readonly ifRoom: boolean }): void
}

/** The nodes of a task's own sub-topology have such a context; those of global stores have not. */
export function operatorContext<KOut, VOut>(
  context: ProcessorContext<KOut, VOut>,
): OperatorContext<KOut, VOut> {
  assert(
    'keepTime' in context,
    'this context keeps no times: a windowed operator is in a place where none can be',
  )
  return context as OperatorContext<KOut, VOut>
}
