import type { AnchorPlan } from '../plan/anchor-plan.ts'
import { ChangelogPositions } from './changelog-positions.ts'
import { Commit, type CommitOptions } from './commit.ts'
import { StreamsProducer } from '../nodes/streams-producer.ts'
import { InputWait } from './input-wait.ts'
import { MetadataCheck } from '../plan/metadata-check.ts'
import { OutputTopics } from '../nodes/output-topics.ts'
import { RecordLoop } from './record-loop.ts'
import { Recovery } from './recovery.ts'
import type { Refusals } from '../nodes/refusals.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import { Restorer } from '../state/restorer.ts'
import { TaskFactory } from './task-factory.ts'
import { TaskManager } from './task-manager.ts'
import type { ThreadClients } from './thread-clients.ts'
import { ThreadMetrics } from '../metrics/thread-metrics.ts'
import type { StreamThreadOptions } from './thread-options.ts'

/** The start of a run: what was found out and opened before. */
export interface ThreadStart {
  readonly anchors: AnchorPlan
  readonly clients: ThreadClients
  /** Partition counts, by topic. */
  readonly counts: ReadonlyMap<string, number>
  readonly refusals: Refusals
}

/** Callbacks of a commit that the thread provides. */
export type CommitHooks = Pick<CommitOptions, 'settleOutputs' | 'onSealed' | 'onCommitted' | 'onEnded'>

/** The components of one run, made for each other. */
export interface ThreadComponents {
  readonly positions: ChangelogPositions
  readonly restorer: Restorer
  readonly tasks: TaskManager
  readonly loop: RecordLoop
  readonly commit: Commit
  readonly recovery: Recovery
  readonly purge: RepartitionPurge
  readonly metadata: MetadataCheck
  readonly outputs: OutputTopics
  readonly output: StreamsProducer
  readonly wait: InputWait
  readonly measures: ThreadMetrics
}

export function assembleThread(
  options: StreamThreadOptions,
  start: ThreadStart,
  hooks: CommitHooks,
): ThreadComponents {
  const { settings, clock, logger, metrics, admin, plan } = options
  const threadMetrics = new ThreadMetrics(metrics, clock, settings.clientId)
  const { anchors, clients, counts, refusals } = start
  const { producer, consumer } = clients
  const outputs = new OutputTopics(admin, clock, counts)
  const positions = new ChangelogPositions(admin, settings, clock, logger)
  const restorer = new Restorer({ ...options, threadMetrics, clientId: `${settings.clientId}-restore` })
  const output = new StreamsProducer(producer)
  const wait = new InputWait(consumer, clock)
  const wake = wait.ring
  const partitionCounts = (topic: string) => outputs.count(topic)
  const factory = new TaskFactory({ ...options, threadMetrics, output, refusals, wake, partitionCounts })
  const tasks = new TaskManager({ ...options, consumer, anchors, factory, restorer, positions, wake })
  const loop = new RecordLoop({
    consumer,
    output,
    tasks,
    settings,
    clock,
    refusals,
    processed: threadMetrics.process.count,
    isTimed: metrics.isDebug,
  })
  const commit = new Commit({
    ...options,
    ...hooks,
    producer,
    output,
    consumer,
    positionsOf: task => positions.of(task),
  })
  const onAborted = () => options.onEpochEnd({ committed: false })
  const recovery = new Recovery({
    ...options,
    ...{ clients, tasks, commit, loop, positions, outputs, refusals, onAborted, threadMetrics },
  })
  const purge = new RepartitionPurge(admin, new Set(plan.repartitionTopics.keys()), {
    intervalMs: settings.repartitionPurgeIntervalMs,
    clock,
    logger,
  })
  const intervalMs = settings.metadataIntervalMs
  const metadata = new MetadataCheck({ plan, admin, clock, logger, counts, intervalMs })
  return {
    ...{ positions, restorer, tasks, loop, commit, recovery, purge, metadata, outputs, output, wait },
    measures: threadMetrics,
  }
}
