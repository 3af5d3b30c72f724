import { AsyncLocalStorage } from 'node:async_hooks'
import type { RecordContext } from '../record-context.ts'

/** Whoever knows which record is being processed: the scope of a task, whose record changes on its way. */
interface RecordHolder {
  readonly context: RecordContext
}

let holder: RecordHolder | undefined
/** Costs every promise of the process something from its first use on: see `asyncContext`. */
const storage = new AsyncLocalStorage<RecordContext>()

/**
 * The place, time and headers of the record for which user code runs: in every function of a topology and,
 * with `asyncContext`, in calls of asynchronous operators and in all that they await. Undefined elsewhere;
 * in a punctuator its `topic` is undefined.
 * @example
 * ```ts
 * const requestId = currentRecord()?.headers.find(({ key }) => key === 'x-request-id')?.value
 * ```
 */
export function currentRecord(): RecordContext | undefined {
  return holder?.context ?? storage.getStore()
}

/** Begins synchronous work for a record; whoever calls it calls `leaveRecord` before anything is awaited. */
export function enterRecord(current: RecordHolder): void {
  holder = current
}

export function leaveRecord(): void {
  holder = undefined
}

/** Synchronous work for a record. */
export function asCurrent<T>(current: RecordHolder, work: () => T): T {
  holder = current
  try {
    return work()
  } finally {
    holder = undefined
  }
}

/** Runs what may go on later for the record. */
export function withRecord<T>(context: RecordContext, work: () => T): T {
  return storage.run(context, work)
}
