import type { Clock } from '../common/clock.ts'
import type { Logger } from '../common/logger.ts'
import type { Ending } from './ending.ts'

/** A runner such as npm passes a signal on that the terminal has sent to us as well: what comes so soon is the same one. */
const SAME_SIGNAL_MS = 500

/**
 * SIGTERM and SIGINT end the run, a second one ends the process at once: whoever presses Ctrl-C twice does not want to wait.
 * A process that a supervisor started ends with it, too, however the supervisor ended. Returns what takes it all back.
 */
export function listenForStop(
  ending: Ending,
  { clock, logger }: { clock: Clock; logger: Logger },
): () => void {
  let firstMs: number | undefined
  const onSignal = (name: 'SIGTERM' | 'SIGINT') => {
    const nowMs = clock.monotonicMs()
    if (firstMs === undefined) {
      firstMs = nowMs
      logger.log('info', `${name}: closing; once more to end at once`)
      ending.stop()
    } else if (nowMs - firstMs >= SAME_SIGNAL_MS) {
      process.stderr.write(`error: INTERRUPTED: ended at once by a second ${name}\n`)
      process.exit(1)
    }
  }
  const onTerminate = () => onSignal('SIGTERM')
  const onInterrupt = () => onSignal('SIGINT')
  const onDisconnect = () => ending.stop()
  process.on('SIGTERM', onTerminate)
  process.on('SIGINT', onInterrupt)
  process.on('disconnect', onDisconnect)
  // Listening would keep the process alive by itself.
  process.channel?.unref()
  return () => {
    process.off('SIGTERM', onTerminate)
    process.off('SIGINT', onInterrupt)
    process.off('disconnect', onDisconnect)
    if (process.connected) process.disconnect()
  }
}
