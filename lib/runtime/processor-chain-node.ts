import { StreamsError } from '../common/errors.ts'
import type { Processor } from '../processor/processor.ts'
import type { Record } from '../processor/record.ts'
import type { ChainNode } from './chain-node.ts'
import { decideFailure } from './decide-failure.ts'
import { NodeContext } from './node-context.ts'
import type { TaskScope } from './task-scope.ts'

/** User code, with the handler that decides what its exceptions mean. */
export class ProcessorChainNode implements ChainNode {
  readonly name: string
  readonly context: NodeContext
  readonly #processor: Processor
  readonly #scope: TaskScope

  constructor(name: string, processor: Processor, stores: readonly string[], scope: TaskScope) {
    this.name = name
    this.context = new NodeContext(scope, name, stores)
    this.#processor = processor
    this.#scope = scope
  }

  init(): void {
    this.#processor.init?.(this.context)
  }

  close(): void {
    this.#processor.close?.()
  }

  process(record: Record<unknown, unknown>): void {
    const outer = this.#scope.context
    try {
      // `process` is typed to return nothing; an async one returns a promise all the same.
      const result = this.#processor.process(record) as unknown
      if (result !== undefined) refusePromise(this.name, result)
    } catch (error) {
      this.#scope.context = outer
      decideFailure(this.#scope, this.name, error)
    }
  }
}

function refusePromise(nodeName: string, result: unknown): void {
  if (typeof (result as { then?: unknown }).then !== 'function') return
  // Its rejection, if any, has nobody else to go to.
  ;(result as Promise<unknown>).then(undefined, () => undefined)
  throw new StreamsError(
    'ASYNC_PROCESSOR',
    `processor "${nodeName}" returned a promise: process() is synchronous, for its outputs and state belong to one record ` +
      'and one transaction. Do asynchronous work before the topology, or in a service beside it.',
  )
}
