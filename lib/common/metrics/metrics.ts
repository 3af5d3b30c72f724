import { systemClock, type Clock } from '../clock.ts'
import { Counter, Distribution, LATENCY_BOUNDS_MS, Meter, type HistogramCounts } from './meter.ts'

/**
 * Level of recording, as in Kafka Streams: `debug` also measures by node, by task and by store, which costs
 * something with each record.
 */
export type RecordingLevel = 'info' | 'debug'

export interface MetricTags {
  readonly [tag: string]: string
}

/**
 * One value of a metric. `group` and `name` are those of Kafka Streams where it has the same
 * (`stream-thread-metrics`, `commit-latency-avg`).
 */
export interface MetricSample {
  readonly group: string
  readonly name: string
  readonly tags: MetricTags
  /** The value; NaN for a mean or an extreme of no values. */
  readonly value: number
}

export interface HistogramSample extends HistogramCounts {
  readonly group: string
  readonly name: string
  readonly tags: MetricTags
}

/** The groups of Kafka Streams, and two that it does not have. */
export const METRIC_GROUPS = {
  client: 'stream-metrics',
  thread: 'stream-thread-metrics',
  restore: 'stream-state-updater-metrics',
  task: 'stream-task-metrics',
  node: 'stream-processor-node-metrics',
  topic: 'stream-topic-metrics',
  store: 'stream-state-metrics',
  cache: 'stream-record-cache-metrics',
  consumer: 'consumer-fetch-manager-metrics',
  /** Group of metrics that Kafka Streams does not have. */
  own: 'millrace-metrics',
  /** Group of an application's own metrics. */
  custom: 'application-metrics',
} as const
export type MetricGroup = (typeof METRIC_GROUPS)[keyof typeof METRIC_GROUPS]

export interface MetricsOptions {
  readonly clock?: Clock
  readonly recordingLevel?: RecordingLevel
  /**
   * Length of a sample of a rate, a mean or an extreme; they are over the last one to two samples. Default
   * 30,000.
   */
  readonly sampleWindowMs?: number
}

/** Options of a family of measurements: `latency` also keeps a histogram of milliseconds. */
export interface DistributionOptions {
  readonly statistics?: readonly ('avg' | 'max' | 'min')[]
  readonly latency?: boolean
}

interface Entry {
  readonly group: MetricGroup
  /** Name of the family, without the ending: `-total`, `-rate`, `-avg` … */
  readonly name: string
  readonly tags: MetricTags
  readonly source: Counter | Distribution | (() => number)
  readonly statistics: readonly ('avg' | 'max' | 'min')[]
}

/**
 * The metrics of an application, by group, name and tags, which are those of Kafka Streams, so that all
 * metrics of a task are found by one tag. Asking twice for the same gives the same object.
 */
export class Metrics {
  readonly recordingLevel: RecordingLevel
  readonly clock: Clock
  readonly #sampleMs: number
  readonly #entries = new Map<string, Entry>()
  #rollMs: number

  constructor({
    clock = systemClock,
    recordingLevel = 'info',
    sampleWindowMs = 30_000,
  }: MetricsOptions = {}) {
    this.recordingLevel = recordingLevel
    this.clock = clock
    this.#sampleMs = sampleWindowMs
    this.#rollMs = clock.monotonicMs() + sampleWindowMs
  }

  get isDebug(): boolean {
    return this.recordingLevel === 'debug'
  }

  /** A counter, a number that only grows, by its full name. */
  counter(name: string, tags: MetricTags = {}, group: MetricGroup = METRIC_GROUPS.custom): Counter {
    return this.#entry(group, name, tags, () => new Counter()).source as Counter
  }

  gauge(name: string, tags: MetricTags, read: () => number, group: MetricGroup = METRIC_GROUPS.custom): void {
    this.#entries.set(metricKey(group, name, tags), { group, name, tags, source: read, statistics: [] })
  }

  /** A meter: `<name>-total` and `<name>-rate`, a second. */
  meter(name: string, tags: MetricTags, group: MetricGroup): Counter {
    const nowMs = this.clock.monotonicMs()
    return this.#entry(group, name, tags, () => new Meter(nowMs, this.#sampleMs)).source as Counter
  }

  /** A distribution: `<name>-avg` and `<name>-max`, or the statistics named. */
  distribution(
    name: string,
    tags: MetricTags,
    group: MetricGroup,
    { statistics = ['avg', 'max'], latency = false }: DistributionOptions = {},
  ): Distribution {
    const make = () => new Distribution(latency ? LATENCY_BOUNDS_MS : [])
    return this.#entry(group, name, tags, make, statistics).source as Distribution
  }

  /**
   * Begins new samples when it is time. To be called regularly, once a turn of a loop say; readers call it,
   * too.
   */
  maybeRoll(): void {
    const nowMs = this.clock.monotonicMs()
    if (nowMs < this.#rollMs) return
    // A pause longer than two samples leaves none of their values.
    const rolls = nowMs - this.#rollMs >= this.#sampleMs ? 2 : 1
    this.#rollMs = nowMs + this.#sampleMs
    for (const { source } of this.#entries.values()) {
      for (let roll = 0; roll < rolls; roll += 1) if (isWindowed(source)) source.roll(nowMs)
    }
  }

  /** Removes all metrics with these tags, whatever their other tags: those of a closed task or store. */
  remove(tags: MetricTags): void {
    const wanted = Object.entries(tags)
    for (const [key, entry] of this.#entries) {
      if (wanted.every(([tag, value]) => entry.tags[tag] === value)) this.#entries.delete(key)
    }
  }

  samples(): MetricSample[] {
    this.maybeRoll()
    const nowMs = this.clock.monotonicMs()
    return Array.from(this.#entries.values(), entry => samplesOf(entry, nowMs)).flat()
  }

  /** Histograms of all latencies, in milliseconds. */
  histograms(): HistogramSample[] {
    const found: HistogramSample[] = []
    for (const { group, name, tags, source } of this.#entries.values()) {
      if (source instanceof Distribution && source.hasHistogram)
        found.push({ group, name, tags, ...source.histogram() })
    }
    return found
  }

  /**
   * The sum over all tags. Where several groups have the name, that of the widest: the thread's, without
   * those of its tasks and nodes.
   */
  total(name: string): number {
    const samples = this.samples().filter(sample => sample.name === name)
    const group = Object.values(METRIC_GROUPS).find(each => samples.some(sample => sample.group === each))
    return samples.reduce((sum, sample) => (sample.group === group ? sum + sample.value : sum), 0)
  }

  #entry(
    group: MetricGroup,
    name: string,
    tags: MetricTags,
    make: () => Counter | Distribution,
    statistics: Entry['statistics'] = [],
  ): Entry {
    const key = metricKey(group, name, tags)
    let entry = this.#entries.get(key)
    if (!entry) this.#entries.set(key, (entry = { group, name, tags, source: make(), statistics }))
    return entry
  }
}

function isWindowed(source: Entry['source']): source is Meter | Distribution {
  return source instanceof Meter || source instanceof Distribution
}

function samplesOf({ group, name, tags, source, statistics }: Entry, nowMs: number): MetricSample[] {
  const sample = (ending: string, value: number) => ({ group, name: `${name}${ending}`, tags, value })
  if (typeof source === 'function') return [sample('', source())]
  if (source instanceof Meter) return [sample('-total', source.value), sample('-rate', source.rate(nowMs))]
  if (source instanceof Counter) return [sample('', source.value)]
  const values = { avg: source.average, max: source.max, min: source.min }
  return statistics.map(each => sample(`-${each}`, values[each]))
}

function metricKey(group: string, name: string, tags: MetricTags): string {
  return `${group}|${name}|${Object.keys(tags)
    .sort()
    .map(tag => `${tag}=${tags[tag]}`)
    .join(',')}`
}
