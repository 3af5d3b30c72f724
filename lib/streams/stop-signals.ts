import type { Clock } from '../common/clock.ts'
import { exitNow } from '../common/exit-now.ts'
import type { Logger } from '../common/logger.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
/**
 * Time in which a further signal counts as the same one: a runner such as npm passes on a signal that the
 * terminal has sent to this process as well.
 */
const SAME_SIGNAL_MS = 500
/** Time after which a native call that has not returned is not waited for. */
const AT_ONCE_MS = 1_000

/**
 * Calls `stop` at the first SIGTERM or SIGINT; a second one ends the process at once, with exit code 1:
 * whoever presses Ctrl-C twice does not want to wait. Returns a function that removes the handlers.
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
