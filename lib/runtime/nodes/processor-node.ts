import type { Counter, Distribution } from '../../common/metrics/meter.ts'
import { isPromise } from '../../common/promises.ts'
import { checkProcessor } from '../../processor/check-processor.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { ProcessorNodePlan } from '../../topology/plan.ts'
import { asyncProcessor, refuseAsync } from './async-processor.ts'
import type { TaskNode } from './task-node.ts'
import { decideFailure } from './decide-failure.ts'
import { NodeContext } from './node-context.ts'
import type { TaskMetrics } from '../metrics/task-metrics.ts'
import type { TaskScope } from './task-scope.ts'

/** A node of user code, with the handler that decides what its exceptions mean. */
export class ProcessorNode implements TaskNode {
  readonly name: string
  readonly context: NodeContext
  readonly #processor: Processor
  readonly #scope: TaskScope
  readonly #measures: TaskMetrics | undefined
  /** Metric of the time from source to here, where records end here. */
  readonly #latency: Distribution | undefined
  readonly #processed: Counter | undefined

  constructor({ name, stores, children }: ProcessorNodePlan, processor: Processor, scope: TaskScope) {
    this.name = name
    refuseAsync(processor, name, 'supplier')
    checkProcessor(name, processor)
    this.context = new NodeContext(scope, name, stores)
    this.#processor = processor
    this.#scope = scope
    this.#measures = scope.measures
    this.#latency = children.length === 0 ? scope.measures?.endToEnd(name) : undefined
    this.#processed = scope.measures?.processedBy(name)
  }

  init(): void {
    refuseAsync(this.#processor.init?.(this.context), this.name, 'init')
  }

  close(): void {
    const result = this.#processor.close?.() as unknown
    // A promise is only warned of here: closing goes on, whatever user code does.
    if (isPromise(result)) this.#scope.logger.log('warn', asyncProcessor(result, this.name, 'close').message)
  }

  process(record: Record<unknown, unknown>): void {
    const outer = this.#scope.context
    this.#latency?.record(this.#measures!.nowMs - record.timestamp)
    if (this.#processed) this.#processed.value += 1
    try {
      // `process` is typed to return nothing; an async one returns a promise all the same.
      const result = this.#processor.process(record) as unknown
      if (result !== undefined) refuseAsync(result, this.name, 'process')
    } catch (error) {
      this.#scope.context = outer
      decideFailure(this.#scope, this.name, error)
    }
  }
}
