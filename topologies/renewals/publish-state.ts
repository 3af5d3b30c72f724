import type { Clock, Logger, Timer } from 'millrace'
import type { LiveHub } from 'millrace/push'
import type { Board } from './board.ts'

const EVERY_MS = 500

/** Tells each page that is open what the state is, twice a second. */
export function publishState({
  board,
  hub,
  clock,
  logger,
}: {
  readonly board: Board
  readonly hub: LiveHub
  readonly clock: Clock
  readonly logger: Logger
}): Disposable {
  let timer: Timer | undefined
  let isOver = false
  const tell = async (): Promise<void> => {
    try {
      if (hub.hasListeners) hub.publish('state', await board.state())
    } catch (error) {
      logger.log('debug', 'the state of the renewals could not be read', { error: error as Error })
    }
    if (!isOver) timer = clock.schedule(EVERY_MS, () => void tell())
  }
  timer = clock.schedule(EVERY_MS, () => void tell())
  return {
    [Symbol.dispose]: () => {
      isOver = true
      timer?.cancel()
    },
  }
}
