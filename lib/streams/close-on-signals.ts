import type { Clock } from '../common/clock.ts'
import { errorFrom } from '../common/errors/errors.ts'
import type { Logger } from '../common/logger.ts'
import { onStopSignals } from './stop-signals.ts'

export interface SignalOptions {
  readonly close: () => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Closes at the first signal; a failure on the way becomes the process's exit code. Returns a function that
 * removes the handlers.
 */
export function closeOnSignals({ close, clock, logger }: SignalOptions): () => void {
  const closing = () =>
    void close()
      .catch((reason: unknown) => {
        process.exitCode = 1
        logger.log('error', `closing: ${errorFrom(reason).message}`, { error: reason })
      })
      .finally(() => undo())
  const undo = onStopSignals(closing, { clock, logger })
  return undo
}
