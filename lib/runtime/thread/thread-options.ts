import type { Admin, Broker } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { StateStore } from '../../store/contract/state-store.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { EpochOutcome } from '../state/change-feed.ts'
import type { CommitProbe } from './commit.ts'
import type { MemoryBudget } from '../state/memory-budget.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { StateDirectory } from '../state/state-directory.ts'
import type { ChangeTap } from './task-factory.ts'

export type ThreadState = 'rebalancing' | 'running'
/** What stops the work: cleanly, and where that takes too long, at once. */
export interface StopSignals {
  readonly stop: AbortSignal
  readonly force: AbortSignal
}

export interface StreamThreadOptions {
  readonly plan: TopologyPlan
  readonly settings: RuntimeSettings
  readonly broker: Broker
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly directory: StateDirectory
  readonly memory: MemoryBudget
  readonly globalStore: (name: string) => StateStore | undefined
  readonly tap: ChangeTap
  readonly probe: CommitProbe | undefined
  readonly onState: (state: ThreadState) => void
  /** What is told to the tap from now on belongs to the next epoch. */
  readonly onEpochSealed: () => void
  /**
   * After every commit: what was told to the tap in the sealed epoch is true now; `committed` false: nothing
   * since the last one happened.
   */
  readonly onEpochEnd: (outcome: EpochOutcome) => void
}
