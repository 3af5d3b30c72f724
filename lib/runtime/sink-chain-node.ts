import type { Record } from '../processor/record.ts'
import type { TopicNameExtractor } from '../processor/stream-partitioner.ts'
import type { ChainNode } from './chain-node.ts'
import type { OutputFormat } from './record-collector.ts'
import type { TaskScope } from './task-scope.ts'

/** Writes to a topic. */
export class SinkChainNode implements ChainNode {
  readonly name: string
  readonly #topic: string | TopicNameExtractor
  readonly #format: OutputFormat
  readonly #scope: TaskScope

  constructor(name: string, topic: string | TopicNameExtractor, format: OutputFormat, scope: TaskScope) {
    this.name = name
    this.#topic = topic
    this.#format = format
    this.#scope = scope
  }

  process(record: Record<unknown, unknown>): void {
    const topic =
      typeof this.#topic === 'string'
        ? this.#topic
        : this.#topic(record.value, record.key, this.#scope.context)
    this.#scope.collector.send(topic, record, this.#format)
  }
}
