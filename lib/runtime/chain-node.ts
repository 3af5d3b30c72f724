import { BrokerError } from '../broker/broker-error.ts'
import { AssertionError } from '../common/assert.ts'
import {
  errorFrom,
  RecordFailedError,
  StreamsError,
  TaskCorruptedError,
  TaskMigratedError,
} from '../common/errors.ts'
import type { Processor } from '../processor/processor.ts'
import type { Record } from '../processor/record.ts'
import type { TopicNameExtractor } from '../processor/stream-partitioner.ts'
import { NodeContext } from './node-context.ts'
import type { OutputFormat } from './record-collector.ts'
import type { TaskScope } from './task-scope.ts'

/** A node of the running graph. */
export interface ChainNode {
  readonly name: string
  process(record: Record<unknown, unknown>): void
}

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
        : this.#topic(record.key, record.value, this.#scope.context)
    this.#scope.collector.send(topic, record, this.#format)
  }
}

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

/** Asks the handler about an exception of user code; what is not user code's passes through untouched. */
export function decideFailure(scope: TaskScope, nodeName: string, reason: unknown): void {
  if (isNotForHandlers(reason)) throw reason
  const error = errorFrom(reason)
  const { topic, partition, offset, timestamp, headers, source } = scope.context
  const answer = scope.onProcessingError(error, {
    taskId: scope.taskId,
    nodeName,
    topic,
    partition,
    offset,
    timestamp,
    headers,
    source,
  })
  if (answer === 'continue') return scope.dropped.add()
  const place = topic === undefined ? 'a punctuator' : `record ${topic}-${partition}@${offset}`
  scope.failure = new RecordFailedError(
    'PROCESSING_FAILED',
    `node "${nodeName}" of task ${scope.taskId} failed on ${place}: ${error.message}`,
    { cause: error },
  )
  throw scope.failure
}

function isNotForHandlers(error: unknown): boolean {
  return (
    error instanceof RecordFailedError ||
    error instanceof BrokerError ||
    error instanceof TaskMigratedError ||
    error instanceof TaskCorruptedError ||
    error instanceof AssertionError
  )
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
