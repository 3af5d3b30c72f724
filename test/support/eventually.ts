import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface EventuallyOptions {
  /** Default 60,000, for what takes up to a fifth of it (`npm run test:limits`). */
  readonly limitMs?: number
  readonly pauseMs?: number
  /** What is waited for: it opens the message of the failure. */
  readonly what?: string
}

/**
 * Calls `attempt` until it neither throws nor returns false or undefined, and returns what it returned. The
 * failure shows the last attempt's error, so that an `expect` inside says what was seen.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, false | undefined>> {
  const { limitMs = 60_000, pauseMs = 5, what = 'the condition' } = options
  const startMs = performance.now()
  for (;;) {
    const outcome = await outcomeOf(attempt)
    const tookMs = performance.now() - startMs
    if ('value' in outcome) {
      tellWait({ what, tookMs, limitMs })
      return outcome.value
    }
    if (tookMs > limitMs) {
      throw new Error(`${what} did not come true within ${limitMs} ms`, { cause: outcome.error })
    }
    await sleep(pauseMs)
  }
}

type Outcome<T> = { readonly value: Exclude<T, false | undefined> } | { readonly error: unknown }

async function outcomeOf<T>(attempt: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    const value = await attempt()
    if (value === false || value === undefined) return { error: `it is ${String(value)}` }
    return { value: value as Exclude<T, false | undefined> }
  } catch (error) {
    return { error }
  }
}

/** One wait that came true, for `limits-reporter.ts`. */
export interface Wait {
  readonly what: string
  readonly tookMs: number
  readonly limitMs: number
}

function tellWait(wait: Wait): void {
  const file = process.env['MILLRACE_TEST_WAITS']
  if (file) appendFileSync(file, `${JSON.stringify(wait)}\n`)
}
