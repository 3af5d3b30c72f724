import type { Counter, Distribution } from '../../common/metrics/meter.ts'
import type { Record } from '../../processor/record.ts'
import type { TaskNode } from './task-node.ts'
import { decideFailure } from './decide-failure.ts'
import { NodeContext } from './node-context.ts'
import type { TaskMetrics } from '../metrics/task-metrics.ts'
import type { TaskScope } from './task-scope.ts'

/** Where records enter. */
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

  /** User code right below a source, that of a sink, has no processor whose failure it would be. */
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
