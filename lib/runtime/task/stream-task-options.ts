import type { TopicPartition } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import type { TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { Tracer } from '../../common/context/tracer.ts'
import type { StateStore } from '../../store/contract/state-store.ts'
import type { SubtopologyPlan } from '../../topology/plan.ts'
import type { RecordCollector } from '../nodes/record-collector.ts'
import type { Refusals } from '../nodes/refusals.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { ThreadMetrics } from '../metrics/thread-metrics.ts'
import type { ChangelogSend, StateManager } from '../state/state-manager.ts'

export interface StreamTaskOptions {
  readonly id: TaskId
  readonly plan: SubtopologyPlan
  readonly partitions: readonly TopicPartition[]
  readonly settings: RuntimeSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly state: StateManager
  readonly collector: RecordCollector
  readonly sendChange: ChangelogSend
  /** Refusals, shared by the tasks of a thread; without them nothing is refused after it was sent. */
  readonly refusals?: Refusals
  readonly globalStore: (name: string) => StateStore | undefined
  readonly tracer?: Tracer | undefined
  /** Metrics of the task's thread; a test driver has none. */
  readonly threadMetrics?: ThreadMetrics
  /** Wakes the loop that runs the task: an asynchronous call has ended. */
  readonly wake: () => void
  /** The function of that name in `StoreContext`. */
  readonly allowsRanges?: (() => boolean) | undefined
}
