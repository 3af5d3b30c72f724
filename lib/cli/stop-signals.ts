import type { Logger } from '../common/logger.ts'
import type { Ending } from './ending.ts'

/**
 * SIGTERM and SIGINT end the run, a second SIGINT ends the process at once: whoever presses Ctrl-C twice does not want to wait.
 * A process that a supervisor started ends with it, too, however the supervisor ended. Returns what takes it all back.
 */
export function listenForStop(ending: Ending, logger: Logger): () => void {
  let interrupted = false
  const onTerminate = () => {
    logger.log('info', 'SIGTERM: closing')
    ending.stop()
  }
  const onInterrupt = () => {
    if (interrupted) {
      process.stderr.write('error: INTERRUPTED: ended at once by a second SIGINT\n')
      process.exit(1)
    }
    interrupted = true
    logger.log('info', 'SIGINT: closing; once more to end at once')
    ending.stop()
  }
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
