import type { Counter } from '../common/metrics/meter.ts'
import { METRIC_GROUPS, type Metrics } from '../common/metrics/metrics.ts'
import { packageVersion } from '../common/package-version.ts'
import type { StreamsState } from './streams-state.ts'

const { client: CLIENT } = METRIC_GROUPS

/** Numbers of the states, as in Kafka Streams. */
const STATE_NUMBERS: { readonly [state in StreamsState]: number } = {
  created: 0,
  rebalancing: 1,
  running: 2,
  'pending-shutdown': 3,
  'not-running': 4,
  'pending-error': 5,
  error: 6,
}

export interface ClientView {
  readonly clientId: string
  state(): StreamsState
  /** Number of threads that are open. */
  aliveThreads(): number
}

/**
 * Registers Kafka Streams' `stream-metrics` for an application in this process. Returns the counter of
 * threads that have failed.
 */
export function watchClient(metrics: Metrics, view: ClientView): Counter {
  const tags = { 'client-id': view.clientId }
  metrics.gauge('client-state', tags, () => STATE_NUMBERS[view.state()], CLIENT)
  metrics.gauge('alive-stream-threads', tags, () => view.aliveThreads(), CLIENT)
  metrics.gauge('recording-level', tags, () => (metrics.isDebug ? 1 : 0), CLIENT)
  metrics.gauge('version', { ...tags, version: packageVersion() }, () => 1, CLIENT)
  return metrics.counter('failed-stream-threads', tags, CLIENT)
}
