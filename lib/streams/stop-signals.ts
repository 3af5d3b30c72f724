import type { Clock } from '../common/clock.ts'
import { exitNow } from '../common/exit-now.ts'
import type { Logger } from '../common/logger.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
/**
 * A runner such as npm passes a signal on that the terminal has sent to us as well: what comes so soon is the
 * same one.
 */
const SAME_SIGNAL_MS = 500
/** A native call that has not returned by then is not waited for. */
const AT_ONCE_MS = 1_000

/**
 * Calls `stop` at the first SIGTERM or SIGINT; a second one ends the process at once, with exit code 1:
 * whoever presses Ctrl-C twice does not want to wait. Returns what takes it back.
 */
export function onStopSignals(
  stop: () => void,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): () => void {
  let firstMs: number | undefined
  const onSignal = (name: NodeJS.Signals) => {
    const nowMs = clock.monotonicMs()
    if (firstMs === undefined) {
      firstMs = nowMs
      logger.log('info', `${name}: closing; once more to end at once`)
      stop()
    } else if (nowMs - firstMs >= SAME_SIGNAL_MS) {
      process.stderr.write(`error: INTERRUPTED: ended at once by a second ${name}\n`)
      exitNow(1, AT_ONCE_MS)
    }
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return () => {
    for (const name of SIGNALS) process.off(name, onSignal)
  }
}
