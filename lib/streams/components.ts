import type { Broker } from '../broker/broker.ts'
import { systemClock, type Clock } from '../common/clock.ts'
import { consoleLogger, type Logger } from '../common/logger.ts'
import { Metrics } from '../common/metrics/metrics.ts'
import { systemRandom, type Random } from '../common/random.ts'
import type { Tracer } from '../common/context/tracer.ts'
import { askHandler } from '../runtime/nodes/ask-handler.ts'
import type { CommitProbe } from '../runtime/thread/commit.ts'
import type { RuntimeSettings } from '../runtime/plan/settings.ts'
import { answerOf } from '../runtime/nodes/dead-letters.ts'
import { registeredTracer } from './open-telemetry.ts'

/**
 * Decides what to do after an error that ended the work (KIP-671): close, or make the thread anew and go on.
 * Any other answer, or an exception, closes with `ERROR_HANDLER_FAILED`, whose cause is the error.
 */
export type UncaughtErrorHandler = (error: Error) => 'shutdown-client' | 'replace-thread'

/** The objects an application runs with; only the broker has to be given. */
export interface StreamsComponents {
  /** Broker to run on. It stays open when the application closes: it belongs to whoever opened it. */
  readonly broker: Broker
  readonly clock?: Clock
  readonly random?: Random
  readonly logger?: Logger
  /**
   * Registry of the metrics. Default: one of the application's own, by `metricsRecordingLevel` and
   * `metricsSampleWindowMs`, which do not apply to a given one.
   */
  readonly metrics?: Metrics
  /** Handler of errors that end the work. Default: `shutdown-client`. */
  readonly onUncaughtError?: UncaughtErrorHandler
  /**
   * Maker of spans. Default: by `@opentelemetry/api`, where the program has registered a tracer provider and
   * `tracing` is `auto`.
   */
  readonly tracer?: Tracer
  /** Called between the steps of every commit, to end the process there: for tests of recovery. */
  readonly commitProbe?: CommitProbe
}

export type CompleteComponents = Required<Omit<StreamsComponents, 'commitProbe' | 'tracer'>> & {
  readonly commitProbe: CommitProbe | undefined
  readonly tracer: Tracer | undefined
}

export function completeComponents(
  components: StreamsComponents,
  settings: RuntimeSettings,
): CompleteComponents {
  const { clock = systemClock, logger = consoleLogger('info') } = components
  return {
    clock,
    random: systemRandom,
    logger,
    metrics: new Metrics({
      clock,
      recordingLevel: settings.metricsRecordingLevel,
      sampleWindowMs: settings.metricsSampleWindowMs,
    }),
    onUncaughtError: () => 'shutdown-client',
    commitProbe: undefined,
    tracer: components.tracer ?? registeredTracer(settings.tracing, logger),
    ...components,
  }
}

const UNCAUGHT_ANSWERS = ['shutdown-client', 'replace-thread'] as const

/** Whether the handler of uncaught errors wants the thread made anew. */
export function replacesThread(handler: UncaughtErrorHandler, error: Error): boolean {
  const question = {
    handler: 'onUncaughtError',
    answers: UNCAUGHT_ANSWERS,
    place: 'the thread has failed',
  }
  const ask: (error: Error, context: undefined) => (typeof UNCAUGHT_ANSWERS)[number] = handler
  return answerOf(askHandler(ask, error, undefined, question)) === 'replace-thread'
}
