import type { Clock } from '../common/clock.ts'
import { errorFrom } from '../common/errors.ts'
import type { Logger } from '../common/logger.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
/** A runner such as npm passes a signal on that the terminal has sent to us as well: what comes so soon is the same one. */
const SAME_SIGNAL_MS = 500

export interface SignalOptions {
  readonly close: () => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/** The first SIGTERM or SIGINT closes, a second one ends the process at once, with 1. Returns what takes it back. */
export function closeOnSignals({ close, clock, logger }: SignalOptions): () => void {
  let firstMs: number | undefined
  const onSignal = (name: NodeJS.Signals) => {
    const nowMs = clock.monotonicMs()
    if (firstMs === undefined) {
      firstMs = nowMs
      logger.log('info', `${name}: closing; once more to end at once`)
      void close()
        .catch((reason: unknown) => {
          process.exitCode = 1
          logger.log('error', `closing: ${errorFrom(reason).message}`, { error: reason })
        })
        .finally(undo)
    } else if (nowMs - firstMs >= SAME_SIGNAL_MS) {
      process.stderr.write(`error: INTERRUPTED: ended at once by a second ${name}\n`)
      process.exit(1)
    }
  }
  const undo = () => {
    for (const name of SIGNALS) process.off(name, onSignal)
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return undo
}
