import { KafkaStreams, silentLogger, systemClock, type StreamsConfig, type Topology } from '../lib/index.ts'
import { Stopwatch, type Span } from './stopwatch.ts'
import type { BenchOptions } from './workload.ts'

const COMMIT_MS = { 'exactly-once': 100, 'at-least-once': 1000 }

/**
 * Runs the application until it has processed so many records and closed cleanly. What it took from the first
 * record to the last.
 */
export async function timeToProcess(
  topology: Topology,
  records: number,
  options: BenchOptions,
  config: Partial<StreamsConfig> = {},
  /** How many records are done; default: those that were processed. */
  done?: () => number,
): Promise<Span> {
  const { broker, guarantee, stateDir, progress } = options
  const settings = { processingGuarantee: guarantee, commitIntervalMs: COMMIT_MS[guarantee], stateDir }
  const streams = new KafkaStreams(
    topology,
    { applicationId: options.named('bench'), ...settings, ...config },
    { broker, logger: silentLogger },
  )
  await streams.start()
  const stopwatch = new Stopwatch()
  const processed = done ?? (() => streams.metrics.total('process-total'))
  let reportedMs = performance.now()
  while (processed() < records) {
    if (streams.error) throw streams.error
    await systemClock.sleep(5)
    if (performance.now() - reportedMs < 2000) continue
    reportedMs = performance.now()
    progress(`${processed().toLocaleString('en')} of ${records.toLocaleString('en')} records`)
  }
  const span = stopwatch.span()
  await streams.close()
  return span
}
