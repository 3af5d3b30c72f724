import type { Clock } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import { Ending } from './ending.ts'
import { listenForStop } from './stop-signals.ts'
import { Teardown } from './teardown.ts'

export interface Work {
  readonly ending: Ending
  readonly teardown: Teardown
}

/**
 * Does the work, which a signal may end, and closes what it has opened, whatever happens. Rejects with the
 * first failure.
 */
export async function untilEnd(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  work: (around: Work) => Promise<void>,
): Promise<void> {
  const ending = new Ending()
  const unlisten = listenForStop(ending, { clock, logger })
  const teardown = new Teardown(clock, logger)
  try {
    await work({ ending, teardown })
  } catch (reason) {
    ending.fail(errorFrom(reason))
  } finally {
    await teardown.run().catch((reason: unknown) => ending.fail(errorFrom(reason)))
    unlisten()
  }
  ending.throwIfFailed()
}
