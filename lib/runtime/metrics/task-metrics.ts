import { droppedRecords } from '../../common/metrics/dropped-records.ts'
import type { Header } from '../../common/headers.ts'
import type { TaskId } from '../../common/ids.ts'
import type { Meter } from '../../common/metrics/meter.ts'
import { type Counter, type Distribution } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS, type Metrics } from '../../common/metrics/metrics.ts'
import type { PhaseMetrics, ThreadMetrics } from './thread-metrics.ts'

const { task: TASK, node: NODE, topic: TOPIC } = METRIC_GROUPS
/** Bytes that Kafka Streams counts for a record's time, offset and partition. */
const RECORD_BYTES = 20

/** Records and bytes between a node and a topic, counted as Kafka Streams counts them: KIP-846. */
export class TopicTraffic {
  readonly #records: Counter
  readonly #bytes: Counter
  readonly #overhead: number

  constructor(records: Counter, bytes: Counter, topic: string) {
    this.#records = records
    this.#bytes = bytes
    this.#overhead = RECORD_BYTES + Buffer.byteLength(topic)
  }

  /** `payload`: bytes of key and value. */
  count(payload: number, headers: readonly Header[]): void {
    this.#records.value += 1
    this.#bytes.value += payload + this.#overhead
    if (headers.length > 0) this.#bytes.value += bytesOfHeaders(headers)
  }
}

/** Measures of a task at level `debug`. */
interface TaskDetails {
  readonly process: Counter
  readonly processLatency: Distribution
  readonly lateness: Distribution
  readonly enforced: Counter
  readonly punctuate: Counter
  readonly punctuateLatency: Distribution
  readonly spent: Meter
}

/** Measures of a task, its nodes and its topics; all have the tag of the task. */
export class TaskMetrics {
  readonly dropped: Counter
  /**
   * Wall-clock time at which the present run of records began: for latencies from end to end, so that the
   * clock is not read for each record.
   */
  nowMs = 0
  readonly details: TaskDetails | undefined
  readonly #metrics: Metrics
  readonly #taskId: TaskId
  readonly #thread: ThreadMetrics | undefined

  constructor(metrics: Metrics, taskId: TaskId, thread?: ThreadMetrics) {
    this.#metrics = metrics
    this.#taskId = taskId
    this.#thread = thread
    this.dropped = droppedRecords(metrics, taskId)
    this.details = metrics.isDebug ? this.#openDetails() : undefined
  }

  watch(name: string, read: () => number): void {
    this.#metrics.gauge(name, { 'task-id': this.#taskId }, read, TASK)
  }

  /** Time from a record's timestamp to now, at a source or where a record ends: KIP-613. */
  endToEnd(node: string): Distribution {
    return this.#metrics.distribution('record-e2e-latency', this.#ofNode(node), NODE, {
      statistics: ['avg', 'min', 'max'],
      latency: true,
    })
  }

  /** Counter of a node's records; undefined below level `debug`. */
  processedBy(node: string): Counter | undefined {
    return this.#metrics.isDebug ? this.#metrics.meter('process', this.#ofNode(node), NODE) : undefined
  }

  consumed(node: string, topic: string): TopicTraffic {
    return this.#traffic('consumed', node, topic)
  }

  produced(node: string, topic: string): TopicTraffic {
    return this.#traffic('produced', node, topic)
  }

  /** Counts a run of records of this task. */
  processed(records: number, elapsedMs: number): void {
    const { details } = this
    if (!details || records === 0) return
    details.process.value += records
    details.processLatency.record(elapsedMs / records)
    details.spent.value += elapsedMs
  }

  punctuated(elapsedMs: number): void {
    this.#thread?.punctuate.took(elapsedMs)
    const { details } = this
    if (!details) return
    details.punctuate.value += 1
    details.punctuateLatency.record(elapsedMs)
  }

  #openDetails(): TaskDetails {
    const tags = { 'task-id': this.#taskId }
    const metrics = this.#metrics
    const spent = metrics.meter('task-process-time-ms', tags, METRIC_GROUPS.own) as Meter
    this.watch('active-process-ratio', () => this.#shareOf(spent, this.#thread?.process))
    return {
      process: metrics.meter('process', tags, TASK),
      processLatency: metrics.distribution('process-latency', tags, TASK, { latency: true }),
      lateness: metrics.distribution('record-lateness', tags, TASK),
      enforced: metrics.meter('enforced-processing', tags, TASK),
      punctuate: metrics.meter('punctuate', tags, TASK),
      punctuateLatency: metrics.distribution('punctuate-latency', tags, TASK, { latency: true }),
      spent,
    }
  }

  /** Share of the time that the thread spends on processing. */
  #shareOf(spent: Meter, all: PhaseMetrics | undefined): number {
    const nowMs = this.#metrics.clock.monotonicMs()
    const whole = all?.spentRate(nowMs) ?? 0
    return whole === 0 ? 0 : Math.min(1, spent.rate(nowMs) / whole)
  }

  #traffic(way: 'consumed' | 'produced', node: string, topic: string): TopicTraffic {
    const tags = { ...this.#ofNode(node), topic }
    const counter = (what: string) => this.#metrics.counter(`${what}-${way}-total`, tags, TOPIC)
    return new TopicTraffic(counter('records'), counter('bytes'), topic)
  }

  #ofNode(node: string): { readonly [tag: string]: string } {
    return { 'task-id': this.#taskId, 'processor-node-id': node }
  }
}

function bytesOfHeaders(headers: readonly Header[]): number {
  let bytes = 0
  for (const { key, value } of headers) bytes += Buffer.byteLength(key) + (value?.length ?? 0)
  return bytes
}
