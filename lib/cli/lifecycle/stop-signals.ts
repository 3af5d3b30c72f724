import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import { onStopSignals } from '../../streams/stop-signals.ts'
import type { Ending } from './ending.ts'

/**
 * Signals end the run. A process that a supervisor started ends with it, too, however the supervisor ended.
 * Returns what takes it all back.
 */
export function listenForStop(
  ending: Ending,
  around: { readonly clock: Clock; readonly logger: Logger },
): () => void {
  const stop = () => ending.stop()
  const unlisten = onStopSignals(stop, around)
  process.on('disconnect', stop)
  // It may be gone already: a process that is loading a topology hears nothing.
  if (process.send && !process.connected) stop()
  // Listening would keep the process alive by itself.
  process.channel?.unref()
  return () => {
    unlisten()
    process.off('disconnect', stop)
    if (process.connected) process.disconnect()
  }
}
