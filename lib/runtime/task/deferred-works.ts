import type { DeferredWork } from '../../processor/deferred-work.ts'
import { decideFailure } from '../nodes/decide-failure.ts'
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

  /** Inputs whose calls run, or could, and whose outputs have not been applied. */
  get size(): number {
    let size = 0
    for (const { work } of this.#works) size += work.size
    return size
  }

  /** Inputs that wait for a time, or behind one that does. */
  get parked(): number {
    let parked = 0
    for (const { work } of this.#works) parked += work.parked
    return parked
  }

  prepareClose(): void {
    for (const { work } of this.#works) work.prepareClose?.()
  }

  /** Whether the task may take another record. */
  get hasRoom(): boolean {
    // Asked for every record, of tasks that have no such operator, too.
    if (this.#works.length === 0) return true
    for (const { work } of this.#works) if (!work.hasRoom) return false
    return true
  }

  /** Applies the outputs of one input; false where none is ready. Throws what ends the run. */
  applyNext(scope: TaskScope): boolean {
    if (this.#works.length === 0) return false
    const next = this.#next()
    if (!next) return false
    const { nodeName, work } = next
    const context = work.nextContext
    scope.context = context
    try {
      work.applyNext()
    } catch (error) {
      scope.context = context
      decideFailure(scope, nodeName, error)
    }
    return true
  }

  clear(): void {
    this.#works = []
  }

  /**
   * From below: what is applied upstream may come in again further down, where it has to find room. The
   * lowest always has somewhere to go.
   */
  #next(): NodeWork | undefined {
    for (let at = this.#works.length - 1; at >= 0; at -= 1) {
      const next = this.#works[at]!
      if (next.work.isReady) return next
      if (!next.work.hasRoom) return undefined
    }
    return undefined
  }
}
