import type { Admin, Broker } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { Tracer } from '../../common/context/tracer.ts'
import type { StateStore } from '../../store/contract/state-store.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { EpochOutcome } from '../state/change-feed.ts'
import type { CommitProbe } from './commit.ts'
import type { MemoryBudget } from '../state/memory-budget.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { StateDirectory } from '../state/state-directory.ts'
import type { ChangeTap } from './task-factory.ts'

export type ThreadState = 'rebalancing' | 'running'
/** Signals that stop the work: `stop` cleanly; `force` at once, where that takes too long. */
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
  readonly tracer: Tracer | undefined
  readonly onState: (state: ThreadState) => void
  /** Called when an epoch is sealed: further changes told to the tap belong to the next one. */
  readonly onEpochSealed: () => void
  /**
   * Called after every commit, when the tap's changes of the sealed epoch are true; with `committed` false
   * after an abort, when everything since the last commit is undone.
   */
  readonly onEpochEnd: (outcome: EpochOutcome) => void
}
