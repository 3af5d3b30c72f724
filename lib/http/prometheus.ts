import { Registry } from 'prom-client'
import { aboutMetric } from '../common/metrics/metric-catalogue.ts'
import {
  METRIC_GROUPS,
  type HistogramSample,
  type MetricSample,
  type MetricTags,
} from '../common/metrics/metrics.ts'

export const PROMETHEUS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

interface Value {
  readonly value: number
  readonly labels: { readonly [name: string]: string }
  readonly metricName?: string
}

/** One metric as the client of Prometheus writes it down. */
interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly values: Value[]
}

/**
 * Samples and histograms in the text exposition format of Prometheus, 0.0.4. Names are those by which
 * Micrometer exports Kafka Streams (`kafka_stream_thread_commit_total`), so that dashboards made for it show
 * this, too; Millrace's own begin with `millrace_`, an application's are as it named them. The registry is
 * made for each answer: what is there comes and goes with tasks.
 */
export async function prometheusText(
  samples: readonly MetricSample[],
  histograms: readonly HistogramSample[] = [],
  labels: MetricTags = {},
): Promise<string> {
  const families = new Map<string, Family>()
  const familyOf = (
    { group, name }: { group: string; name: string },
    ending: string,
    type: Family['type'],
  ) => {
    const full = prometheusName(group, `${name}${ending}`)
    let family = families.get(full)
    if (!family)
      families.set(full, (family = { name: full, help: aboutMetric(group, name), type, values: [] }))
    return family
  }
  for (const sample of samples) {
    const family = familyOf(sample, '', sample.name.endsWith('-total') ? 'counter' : 'gauge')
    family.values.push({ value: sample.value, labels: labelsOf({ ...labels, ...sample.tags }) })
  }
  for (const histogram of histograms) {
    const family = familyOf(histogram, '-milliseconds', 'histogram')
    family.values.push(...valuesOf(histogram, family.name, labelsOf({ ...labels, ...histogram.tags })))
  }
  const registry = new Registry()
  for (const family of families.values())
    registry.registerMetric({ ...family, get: async () => family } as unknown as Parameters<
      Registry['registerMetric']
    >[0])
  return families.size === 0 ? '' : registry.metrics()
}

/** Buckets are cumulative there. */
function valuesOf(
  { bounds, counts, sum, count }: HistogramSample,
  name: string,
  labels: MetricTags,
): Value[] {
  let below = 0
  const buckets = bounds.map((bound, at) => {
    below += counts[at]!
    return { value: below, labels: { ...labels, le: String(bound) }, metricName: `${name}_bucket` }
  })
  return [
    ...buckets,
    { value: count, labels: { ...labels, le: '+Inf' }, metricName: `${name}_bucket` },
    { value: sum, labels, metricName: `${name}_sum` },
    { value: count, labels, metricName: `${name}_count` },
  ]
}

function prometheusName(group: string, name: string): string {
  const prefix =
    group === METRIC_GROUPS.custom
      ? ''
      : group === METRIC_GROUPS.own
        ? 'millrace_'
        : `kafka_${group.replace(/-metrics$/, '')}_`
  return metricName(`${prefix}${name}`)
}

/** `[a-zA-Z_:][a-zA-Z0-9_:]*` */
function metricName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d|$)/, '_')
}

function labelsOf(tags: MetricTags): { [name: string]: string } {
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [labelName(name), value]))
}

/** `[a-zA-Z_][a-zA-Z0-9_]*` */
function labelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_')
}
