import type { MetricSample } from '../common/metrics.ts'

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Samples in the text exposition format of Prometheus, 0.0.4. Names and labels are those of the samples, with an underscore for each character that the format
 * does not take. What ends in `-total` is a counter, all else a gauge. By hand: the client of Prometheus for Node keeps a registry of its own, where each
 * metric has one fixed set of labels; here what is there comes and goes with tasks.
 */
export function prometheusText(
  samples: readonly MetricSample[],
  labels: { readonly [name: string]: string } = {},
): string {
  const families = new Map<string, string[]>()
  for (const { name, tags, value } of samples) {
    const family = metricName(name)
    let lines = families.get(family)
    if (!lines) {
      const type = family.endsWith('_total') ? 'counter' : 'gauge'
      families.set(family, (lines = [`# TYPE ${family} ${type}`]))
    }
    lines.push(`${family}${labelText({ ...labels, ...tags })} ${valueText(value)}`)
  }
  return Array.from(families.values(), lines => `${lines.join('\n')}\n`).join('')
}

/** `[a-zA-Z_:][a-zA-Z0-9_:]*` */
function metricName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d|$)/, '_')
}

/** `[a-zA-Z_][a-zA-Z0-9_]*` */
function labelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_')
}

function labelText(labels: { readonly [name: string]: string }): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${labelName(name)}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}

function valueText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}
