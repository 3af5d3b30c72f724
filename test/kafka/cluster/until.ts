import { setTimeout as sleep } from 'node:timers/promises'

export interface UntilOptions {
  /** What is waited for: it opens the message of the failure. */
  readonly what: string
  readonly limitMs: number
  /** Why it cannot come true any more, or undefined: asked before each attempt. */
  readonly giveUp?: () => string | undefined
}

const PAUSE_MS = 150

/**
 * As `eventually`, for what takes a fault's time: the limit is the claim of a scenario, not the bound of a
 * test. An attempt that throws counts as false, for the witness stands before the same broken cluster.
 */
export async function until(attempt: () => Promise<boolean> | boolean, options: UntilOptions): Promise<void> {
  const { what, limitMs, giveUp } = options
  const startMs = performance.now()
  for (;;) {
    let seen: unknown
    try {
      if (await attempt()) return
    } catch (reason) {
      seen = reason
    }
    const why = giveUp?.()
    if (why !== undefined) throw new Error(`${what} cannot come any more: ${why}`, { cause: seen })
    if (performance.now() - startMs > limitMs)
      throw new Error(`${what} did not come within ${limitMs / 1000} s`, { cause: seen })
    await sleep(PAUSE_MS)
  }
}
