import type { Admin } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { METRIC_GROUPS, type MetricSample } from '../../common/metrics/metrics.ts'
import type { KafkaStreams } from '../../streams/kafka-streams.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import { HistogramWindow, quantileOf, type WindowedCounts } from './histogram-window.ts'
import type { History } from './history.ts'
import { ProcessGauges } from './process-gauges.ts'
import { readStores } from './store-reading.ts'
import { TaskReader } from './task-reader.ts'
import { TopicOffsetsReader } from './topic-offsets.ts'

const { node: NODE, topic: TOPIC, thread: THREAD } = METRIC_GROUPS

export interface LiveReaderOptions {
  readonly streams: KafkaStreams
  readonly plan: TopologyPlan
  readonly admin: Admin
  readonly clock: Clock
  readonly history: History
}

/** An application at one moment, with rates since the moment before: what the page shows each second. */
export class LiveReader {
  readonly #options: LiveReaderOptions
  readonly #topics: TopicOffsetsReader
  readonly #tasks: TaskReader
  readonly #gauges = new ProcessGauges()
  readonly #commits = new HistogramWindow()
  readonly #latencies = new HistogramWindow()
  readonly #ends: ReadonlySet<string>
  #nodes = new Map<string, number>()
  #before: { readonly atMs: number; readonly commits: number; readonly records: number } | undefined
  #lastCommitAtMs: number | undefined
  #lastCommitMs: number | null = null

  constructor(options: LiveReaderOptions) {
    const { plan, admin, clock } = options
    this.#options = options
    this.#topics = new TopicOffsetsReader(plan, admin, clock)
    this.#tasks = new TaskReader(plan, clock)
    const nodes = plan.subtopologies.flatMap(each => each.nodes)
    this.#ends = new Set(nodes.flatMap(({ kind, name }) => (kind === 'source' ? [] : [name])))
  }

  /** Begins to measure anew: nobody has looked for a while. */
  listened(isListenedTo: boolean): void {
    if (!isListenedTo) return this.#gauges.stop()
    this.#gauges.start()
    this.#before = undefined
    this.#nodes = new Map()
    const histograms = this.#options.streams.metrics.histograms()
    this.#commits.since(histograms.filter(({ name }) => name === 'commit-latency'))
    this.#latencies.since(histograms.filter(({ name }) => name === 'record-e2e-latency'))
  }

  async read(): Promise<object> {
    const { streams, clock } = this.#options
    const topics = await this.#topics.read()
    const atMs = clock.nowMs()
    const samples = streams.metrics.samples()
    const nowMs = clock.monotonicMs()
    const elapsedS = this.#before ? Math.max(0.001, (nowMs - this.#before.atMs) / 1000) : undefined
    const nodes = this.#readNodes(samples, elapsedS)
    const commit = this.#readCommits(samples, { nowMs, atMs, elapsedS })
    const { error } = streams
    return {
      atMs,
      state: streams.state,
      error: error ? { code: codeOf(error), message: error.message } : null,
      nodes,
      topics,
      stores: readStores(streams, this.#options.plan, samples),
      tasks: this.#tasks.read(streams, samples),
      commit,
      latency: this.#readLatency(atMs),
      ...this.#gauges.read(),
      waiting: {
        parked: total(samples, 'retry-parked-records'),
        retrying: total(samples, 'async-calls-in-flight'),
      },
    }
  }

  #readNodes(samples: readonly MetricSample[], elapsedS: number | undefined) {
    const totals = nodeTotals(samples)
    const before = this.#nodes
    this.#nodes = totals
    return Object.fromEntries(
      Array.from(totals, ([node, processTotal]) => {
        // A task that went away took its numbers with it.
        const grown = Math.max(0, processTotal - (before.get(node) ?? processTotal))
        return [node, { processTotal, processRate: elapsedS === undefined ? 0 : grown / elapsedS }]
      }),
    )
  }

  #readCommits(
    samples: readonly MetricSample[],
    { nowMs, atMs, elapsedS }: { nowMs: number; atMs: number; elapsedS: number | undefined },
  ) {
    const of = (name: string) => total(samples, name, THREAD)
    const [commits, records] = [of('commit-total'), of('process-total')]
    const histograms = this.#options.streams.metrics.histograms()
    const window = this.#commits.since(histograms.filter(({ name }) => name === 'commit-latency'))
    const grown = this.#before ? Math.max(0, commits - this.#before.commits) : 0
    if (grown > 0) {
      this.#lastCommitAtMs = nowMs
      this.#lastCommitMs = window.count > 0 ? window.sum / window.count : this.#lastCommitMs
      this.#options.history.committed({
        atMs,
        durationMs: this.#lastCommitMs ?? 0,
        count: grown,
        records: Math.max(0, records - (this.#before?.records ?? records)),
      })
    }
    this.#before = { atMs: nowMs, commits, records }
    return {
      total: commits,
      rate: elapsedS === undefined ? 0 : grown / elapsedS,
      lastMs: this.#lastCommitMs,
      p50Ms: quantileOf(window, 0.5) ?? null,
      p99Ms: quantileOf(window, 0.99) ?? null,
      sinceLastMs: this.#lastCommitAtMs === undefined ? null : nowMs - this.#lastCommitAtMs,
    }
  }

  #readLatency(atMs: number) {
    const histograms = this.#options.streams.metrics
      .histograms()
      .filter(
        ({ name, tags }) => name === 'record-e2e-latency' && this.#ends.has(tags['processor-node-id'] ?? ''),
      )
    const window = this.#latencies.since(histograms)
    if (window.count === 0) return null
    const latency = {
      p50Ms: quantileOf(window, 0.5) ?? 0,
      p99Ms: quantileOf(window, 0.99) ?? 0,
      maxMs: highest(window),
    }
    this.#options.history.latency({ atMs, p50Ms: latency.p50Ms, p99Ms: latency.p99Ms })
    return latency
  }
}

/**
 * Records by node: at level `debug` those that came to it; else those that a source has read and a sink has
 * written, which are known at every level.
 */
function nodeTotals(samples: readonly MetricSample[]): Map<string, number> {
  const ofEnds = new Map<string, number>()
  const ofAll = new Map<string, number>()
  for (const { group, name, tags, value } of samples) {
    const node = tags['processor-node-id']
    if (node === undefined) continue
    const add = (totals: Map<string, number>) => totals.set(node, (totals.get(node) ?? 0) + value)
    if (group === TOPIC && (name === 'records-consumed-total' || name === 'records-produced-total'))
      add(ofEnds)
    if (group === NODE && name === 'process-total') add(ofAll)
  }
  return new Map([...ofEnds, ...ofAll])
}

function total(samples: readonly MetricSample[], name: string, group?: string): number {
  return samples.reduce(
    (sum, sample) =>
      sample.name === name && (group === undefined || sample.group === group) ? sum + sample.value : sum,
    0,
  )
}

/** The bound of the highest bucket that has something. */
function highest({ bounds, counts }: WindowedCounts): number {
  const at = counts.findLastIndex(count => count > 0)
  return bounds[Math.min(at, bounds.length - 1)] ?? 0
}

function codeOf(error: Error): string {
  return error instanceof StreamsError ? error.code : error.name
}
