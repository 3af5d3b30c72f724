import type { Counter, Distribution } from '../../common/metrics/meter.ts'
import { RecordFailedError, StreamsError } from '../../common/errors/errors.ts'
import { isPromise, refusedPromise } from '../../common/promises.ts'
import type { Record } from '../../processor/record.ts'
import type { TopicNameExtractor } from '../../processor/stream-partitioner.ts'
import type { TaskNode } from './task-node.ts'
import type { OutputFormat } from './record-collector.ts'
import type { TaskMetrics } from '../metrics/task-metrics.ts'
import type { TaskScope } from './task-scope.ts'

const EXTRACT_LATER = 'put what takes time into mapValuesAsync above, and name the topic by the result'

/** A node that writes to a topic. */
export class SinkNode implements TaskNode {
  readonly name: string
  readonly #topic: string | TopicNameExtractor
  readonly #format: OutputFormat
  readonly #scope: TaskScope
  readonly #measures: TaskMetrics | undefined
  readonly #latency: Distribution | undefined
  readonly #processed: Counter | undefined
  /** Format of each topic that the sink has written to. */
  readonly #formats = new Map<string, OutputFormat>()

  constructor(name: string, topic: string | TopicNameExtractor, format: OutputFormat, scope: TaskScope) {
    this.name = name
    this.#topic = topic
    this.#format = format
    this.#scope = scope
    this.#measures = scope.measures
    this.#latency = scope.measures?.endToEnd(name)
    this.#processed = scope.measures?.processedBy(name)
  }

  process(record: Record<unknown, unknown>): void {
    this.#latency?.record(this.#measures!.nowMs - record.timestamp)
    if (this.#processed) this.#processed.value += 1
    const topic = typeof this.#topic === 'string' ? this.#topic : this.#named(this.#topic, record)
    try {
      this.#scope.collector.send(topic, record, this.#formats.get(topic) ?? this.#formatOf(topic))
    } catch (error) {
      // The failure stays, even where a processor above swallows the exception: its handler did not let the
      // record pass.
      if (error instanceof RecordFailedError) this.#scope.failure = error
      throw error
    }
  }

  #formatOf(topic: string): OutputFormat {
    const format = { ...this.#format, traffic: this.#measures?.produced(this.name, topic) }
    this.#formats.set(topic, format)
    return format
  }

  /**
   * The topic's name for a record. No name is an error, as in Kafka Streams: a filter above can drop the
   * record.
   */
  #named(extractor: TopicNameExtractor, { key, value }: Record<unknown, unknown>): string {
    const topic = extractor(value, key, this.#scope.context) as unknown
    if (typeof topic === 'string' && topic !== '') return topic
    const who = `the topic name extractor of sink "${this.name}" returned`
    if (isPromise(topic)) throw refusedPromise(topic, { who, advice: EXTRACT_LATER })
    const found = topic === '' ? 'an empty text' : topic === null ? 'null' : `${typeof topic}`
    throw new StreamsError(
      'INVALID_TOPIC_NAME',
      `${who} ${found}, where each record needs the name of a topic: filter records that go nowhere out above the sink`,
    )
  }
}
