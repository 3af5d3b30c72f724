import type { Counter } from '../common/metrics/meter.ts'
import { METRIC_GROUPS, type Metrics } from '../common/metrics/metrics.ts'
import type { Transport } from './transport.ts'

const { own } = METRIC_GROUPS

/** What a hub counts, under the tag of its name. */
export interface PushMetrics {
  readonly sent: Counter
  /** Events for which newer ones stood. */
  readonly merged: Counter
  /** Numbers that clients were told not to get: merged, or too old. */
  readonly skipped: Counter
  readonly ranges: Counter
  readonly slow: Counter
  readonly silent: Counter
  readonly refused: Counter
}

export function pushMetrics(
  metrics: Metrics,
  push: string,
  connections: (kind: Transport['kind']) => number,
): PushMetrics {
  for (const kind of ['websocket', 'sse'] as const) {
    metrics.gauge('push-connections', { push, kind }, () => connections(kind), own)
  }
  const counter = (name: string) => metrics.counter(name, { push }, own)
  return {
    sent: counter('push-events-sent-total'),
    merged: counter('push-events-merged-total'),
    skipped: counter('push-events-skipped-total'),
    ranges: counter('push-resume-ranges-total'),
    slow: counter('push-slow-disconnects-total'),
    silent: counter('push-silent-disconnects-total'),
    refused: counter('push-refused-total'),
  }
}
