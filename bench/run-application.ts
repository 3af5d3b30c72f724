import { KafkaStreams, silentLogger, systemClock, type StreamsConfig, type Topology } from '../lib/index.ts'
import type { BenchOptions } from './workload.ts'

const COMMIT_MS = { 'exactly-once': 100, 'at-least-once': 1000 }

/** Runs the application until it has processed so many records and closed cleanly. Seconds from the first record to the last commit. */
export async function secondsToProcess(
  topology: Topology,
  records: number,
  options: BenchOptions,
  config: Partial<StreamsConfig> = {},
): Promise<number> {
  const { broker, guarantee, stateDir, progress } = options
  const settings = { processingGuarantee: guarantee, commitIntervalMs: COMMIT_MS[guarantee], stateDir }
  const streams = new KafkaStreams(
    topology,
    { applicationId: options.named('bench'), ...settings, ...config },
    { broker, logger: silentLogger },
  )
  await streams.start()
  const startMs = performance.now()
  const processed = streams.metrics.counter('process-total')
  let reportedMs = startMs
  while (processed.value < records) {
    if (streams.error) throw streams.error
    await systemClock.sleep(5)
    if (performance.now() - reportedMs < 2000) continue
    reportedMs = performance.now()
    progress(`${processed.value.toLocaleString('en')} of ${records.toLocaleString('en')} records`)
  }
  const seconds = (performance.now() - startMs) / 1000
  await streams.close()
  return seconds
}
