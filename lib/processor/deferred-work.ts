import type { OutgoingRecord } from '../broker/broker.ts'
import { assert } from '../common/assert.ts'
import type { Clock } from '../common/clock.ts'
import type { RecordContext } from '../common/record-context.ts'
import type { Tracer } from '../common/context/tracer.ts'
import type { TaskId } from '../common/ids.ts'
import type { ErrorSummary, LetterRecord } from './letter.ts'
import type { Record } from './record.ts'
import type { ProcessorContext } from './processor-context.ts'

/** A record that an operator with retry has taken, and not called with success yet. */
export interface WaitingRecord {
  readonly operator: string
  readonly taskId: TaskId
  /** Its idempotency key, which is also the id of its dead letter, should it become one. */
  readonly id: string
  /** As the operator got it; its bytes where they cannot be read. */
  readonly key: unknown
  /**
   * `parked`: its call has failed, and it waits for the next one. `behind`: it waits for one of its key.
   * `paused`: somebody has said so. `ready`: it could be called, but for an outage, or for others before it.
   */
  readonly state: 'parked' | 'behind' | 'paused' | 'ready'
  /** How many calls were made. */
  readonly attempts: number
  /** When the next call is due; undefined for those that wait for something else. Since the epoch. */
  readonly dueMs: number | undefined
  /** Undefined before the first failure. */
  readonly firstFailedMs: number | undefined
  readonly lastError: ErrorSummary | undefined
}

/**
 * Inputs of one node whose outputs come later than they do. The task looks at it between two records and
 * applies the outputs itself, on its synchronous path: so they belong to a transaction like those of any
 * record.
 */
export interface DeferredWork {
  /** Inputs whose calls run, or could, and whose outputs have not been applied. */
  readonly size: number
  /** Inputs that wait for a time that has not come, or behind one that does. */
  readonly parked: number
  /**
   * False: the whole task takes no further input. What comes all the same (several outputs of one record)
   * must be taken.
   */
  readonly hasRoom: boolean
  /** Whether the next input can be applied now. */
  readonly isReady: boolean
  /** Whether what is applied next has no outputs: operators below need no room for them. Default: no. */
  readonly forwardsNothing?: boolean
  /** Context of the next input: what its outputs, and its error, are processed as. Only while `isReady`. */
  readonly nextContext: RecordContext
  /**
   * Forwards the outputs of the next input, or decides what becomes of it. What it throws goes to the handler
   * of processing errors.
   */
  applyNext(): void
  /** The next input leaves without outputs, whatever its call has led to. Not while `forwardsNothing`. */
  dropNext(): void
  /** Of those that wait for a call, in no order. */
  waitingRecords?(): Iterable<WaitingRecord>
  /** The task leaves this process when its next commit has succeeded. */
  prepareClose?(): void
}

/** What the runtime gives operators whose outputs come later; not part of what users get. */
export interface DeferringContext<KOut = unknown, VOut = unknown> extends ProcessorContext<KOut, VOut> {
  readonly clock: Clock
  readonly tracer: Tracer | undefined
  /** The setting of that name. */
  readonly asyncContext: boolean
  /**
   * In `init`. Returns what wakes the task's loop, to be called whenever `isReady` has become true outside of
   * it.
   */
  defer(work: DeferredWork): () => void
  /** Forwards as if the record of that context were being processed. */
  forwardAs(context: RecordContext, record: Record<KOut, VOut>): void
  /** Sends the record to the task's own partition of the topic, in the transaction of the present record. */
  sendLetter(topic: string, letter: LetterRecord): void
  /** Sends a record to the partition that it names, in the transaction of the present record. */
  sendOwn(record: OutgoingRecord): void
}

/** The nodes of a task's own sub-topology have such a context; those of global stores have not. */
export function deferringContext<KOut, VOut>(
  context: ProcessorContext<KOut, VOut>,
): DeferringContext<KOut, VOut> {
  assert(
    'defer' in context,
    'this context cannot defer outputs: an asynchronous operator is in a place where none can be',
  )
  return context as DeferringContext<KOut, VOut>
}
