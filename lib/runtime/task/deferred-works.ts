import type { DeferredWork, WaitingRecord } from '../../processor/deferred-work.ts'
import { InputRolledBackError } from '../../common/errors/errors.ts'
import { decideFailure, leaveOut, placeOf } from '../nodes/decide-failure.ts'
import type { FailedInput, Refusals } from '../nodes/refusals.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { TaskScope } from '../nodes/task-scope.ts'

interface NodeWork {
  readonly nodeName: string
  readonly work: DeferredWork
}

/** The asynchronous operators of one task, upstream before downstream, as their nodes were initialised. */
export class DeferredWorks {
  #works: readonly NodeWork[] = []

  add(nodeName: string, work: DeferredWork): void {
    this.#works = [...this.#works, { nodeName, work }]
  }

  /** Inputs whose calls run, or could run, and whose outputs have not been applied. */
  get size(): number {
    let size = 0
    for (const { work } of this.#works) size += work.size
    return size
  }

  /** Inputs that wait for a time, or behind one that waits. */
  get parked(): number {
    let parked = 0
    for (const { work } of this.#works) parked += work.parked
    return parked
  }

  *waitingRecords(): Generator<WaitingRecord> {
    for (const { work } of this.#works) if (work.waitingRecords) yield* work.waitingRecords()
  }

  prepareClose(): void {
    for (const { work } of this.#works) work.prepareClose?.()
  }

  /** Whether the task may take another record. */
  get hasRoom(): boolean {
    // The usual task has no such operator, and asks for every record.
    if (this.#works.length === 0) return true
    for (const { work } of this.#works) if (!work.hasRoom) return false
    return true
  }

  /**
   * Applies the outputs of one input, unless its epoch was rolled back for it; false where none is ready.
   * Throws what ends the run.
   */
  applyNext(scope: TaskScope, refusals: Refusals): boolean {
    if (this.#works.length === 0) return false
    const next = this.#next()
    if (!next) return false
    const { nodeName, work } = next
    const context = work.nextContext
    scope.context = context
    const failed = refusals.anyFailedInput ? takeFailed(next, scope, refusals) : undefined
    if (failed) {
      work.dropNext()
      leaveOut(scope, nodeName, failed)
      return true
    }
    try {
      work.applyNext()
    } catch (error) {
      scope.context = context
      decideFailure(scope, nodeName, error)
    } finally {
      if (scope.failure instanceof InputRolledBackError) awaitAgain(context, refusals)
    }
    return true
  }

  clear(): void {
    this.#works = []
  }

  /**
   * The operator to apply next, the lowest first: outputs that are applied upstream may enter an operator
   * further down, which needs room for them. The lowest always can apply.
   */
  #next(): NodeWork | undefined {
    let isFullBelow = false
    for (let at = this.#works.length - 1; at >= 0; at -= 1) {
      const next = this.#works[at]!
      if (next.work.isReady && !(isFullBelow && next.work.forwardsNothing !== true)) return next
      isFullBelow ||= !next.work.hasRoom
    }
    return undefined
  }
}

/** What has nothing to forward, such as a letter that somebody has asked for, does no harm a second time. */
function takeFailed({ work }: NodeWork, scope: TaskScope, refusals: Refusals): FailedInput | undefined {
  const input = work.forwardsNothing === true ? undefined : placeOf(scope)
  return input && refusals.failureOf(input)
}

/** The input may have been committed as one that waits: then no source reads it again. */
function awaitAgain(context: RecordContext, refusals: Refusals): void {
  const input = placeOf({ context })
  if (input) refusals.await(input)
}
