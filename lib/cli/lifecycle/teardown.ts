import type { Clock } from '../../common/clock.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import { withTimeLimit } from '../../common/time-limit.ts'
import type { Logger } from '../../common/logger.ts'

const STEP_MS_MAX = 10_000

interface Step {
  readonly name: string
  readonly msMax: number
  readonly close: () => Promise<void>
}

/**
 * What was opened, to be closed in the opposite order. A step that fails or does not end in time (10 s) is
 * logged by its name, does not keep the others from closing, and makes the run a failure.
 */
export class Teardown {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #steps: Step[] = []

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** `msMax`: for a step that has a bound of its own. */
  add(name: string, close: () => Promise<void>, msMax = STEP_MS_MAX): void {
    this.#steps.push({ name, close, msMax })
  }

  /** Rejects with the first failure, when all is done. */
  async run(): Promise<void> {
    let first: Error | undefined
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await this.#bounded(step)
      } catch (reason) {
        const error = errorFrom(reason)
        this.#logger.log('error', `closing ${step.name}: ${error.message}`)
        first ??= error
      }
    }
    if (first) throw first
  }

  #bounded({ name, close, msMax }: Step): Promise<void> {
    const late = () => {
      throw new StreamsError('CLOSE_TIMEOUT', `${name} has not closed within ${msMax} ms`)
    }
    return withTimeLimit(this.#clock, { limitMs: msMax, late }, close())
  }
}
