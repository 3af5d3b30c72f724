import type { Record } from '../processor/record.ts'
import type { ChainNode } from './chain-node.ts'
import { NodeContext } from './node-context.ts'
import type { TaskScope } from './task-scope.ts'

/** Where records enter. */
export class SourceChainNode implements ChainNode {
  readonly name: string
  readonly context: NodeContext

  constructor(name: string, scope: TaskScope) {
    this.name = name
    this.context = new NodeContext(scope, name, [])
  }

  process(record: Record<unknown, unknown>): void {
    this.context.forward(record)
  }
}
