import type { Clock } from '../../common/clock.ts'
import type { TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { Tracer } from '../../common/context/tracer.ts'
import type {
  Cancellable,
  OneShotOptions,
  PunctuationOptions,
  Punctuator,
} from '../../processor/processor-context.ts'
import type { ProcessingErrorHandler } from '../../processor/error-handlers.ts'
import type { DeferredWork } from '../../processor/deferred-work.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StateStore } from '../../store/contract/state-store.ts'
import type { ContextHeaders } from './context-headers.ts'
import type { RecordCollector } from './record-collector.ts'
import type { FailedInput, InputPlace } from './refusals.ts'
import type { TaskMetrics } from '../metrics/task-metrics.ts'
import type { TaskTimes } from './task-times.ts'

/** The common state of the nodes of one task, which owns it. */
export interface TaskScope {
  readonly applicationId: string
  readonly taskId: TaskId
  readonly metrics: Metrics
  readonly logger: Logger
  readonly defaultKeySerde: Serde<unknown> | undefined
  readonly defaultValueSerde: Serde<unknown> | undefined
  readonly clock: Clock
  readonly collector: RecordCollector
  readonly dropped: Counter
  /** The task's metrics; undefined for global tables, which process nothing. */
  readonly measures: TaskMetrics | undefined
  /** Times of operators, which are committed with the offsets. */
  readonly times: TaskTimes
  readonly emitIntervalMs: number
  readonly onProcessingError: ProcessingErrorHandler
  /** What hands headers on to records that processors make; undefined: nothing. */
  readonly contextHeaders?: ContextHeaders | undefined
  readonly tracer?: Tracer | undefined
  /** Whether asynchronous calls know their record by themselves. */
  readonly asyncContext?: boolean
  /** The record being processed. Nodes replace it while their children run. */
  context: RecordContext
  /**
   * Failure for which a handler said `fail`: nothing of this epoch is committed, whatever user code makes of
   * the exception.
   */
  failure: Error | undefined
  streamTimeMs(): number
  systemTimeMs(): number
  schedule(
    nodeName: string,
    options: PunctuationOptions | Required<OneShotOptions>,
    callback: Punctuator,
  ): Cancellable
  /** Takes an asynchronous operator's work on; returns the function that wakes the loop. */
  defer(nodeName: string, work: DeferredWork): () => void
  store(name: string): StateStore | undefined
  globalStore(name: string): StateStore | undefined
  requestCommit(): void
  /**
   * Notes that an input is to be left out when its epoch is repeated; undefined where nothing can be undone.
   */
  readonly rollBack?: ((input: InputPlace, failed: FailedInput) => void) | undefined
}
