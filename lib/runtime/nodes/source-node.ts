import type { Counter, Distribution } from '../../common/metrics/meter.ts'
import type { Record } from '../../processor/record.ts'
import type { TaskNode } from './task-node.ts'
import { decideFailure } from './decide-failure.ts'
import { NodeContext } from './node-context.ts'
import type { TaskMetrics } from '../metrics/task-metrics.ts'
import type { TaskScope } from './task-scope.ts'

/** A node where records enter. */
export class SourceNode implements TaskNode {
  readonly name: string
  readonly context: NodeContext
  readonly #scope: TaskScope
  readonly #measures: TaskMetrics | undefined
  readonly #latency: Distribution | undefined
  readonly #processed: Counter | undefined

  constructor(name: string, scope: TaskScope) {
    this.name = name
    this.#scope = scope
    this.context = new NodeContext(scope, name, [])
    this.#measures = scope.measures
    this.#latency = scope.measures?.endToEnd(name)
    this.#processed = scope.measures?.processedBy(name)
  }

  /**
   * Processes a record. User code right below a source is a sink's, which has no processor to be named as
   * failed.
   */
  process(record: Record<unknown, unknown>): void {
    const outer = this.#scope.context
    this.#latency?.record(this.#measures!.nowMs - record.timestamp)
    if (this.#processed) this.#processed.value += 1
    try {
      this.context.forward(record)
    } catch (error) {
      this.#scope.context = outer
      decideFailure(this.#scope, this.name, error)
    }
  }
}
