import type { Admin } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import { hasPatterns, resolvePatterns } from './resolve-patterns.ts'

export interface MetadataCheckOptions {
  readonly plan: TopologyPlan
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
  readonly intervalMs: number
  /** Partition counts by topic, as of the division of work. */
  readonly counts: ReadonlyMap<string, number>
}

/**
 * Looks now and then whether topics and partition counts have changed: the work is divided by them, and has
 * to be divided anew.
 */
export class MetadataCheck {
  readonly #options: MetadataCheckOptions
  #nextMs: number
  #checking: Promise<void> | undefined
  #hasChanged = false

  constructor(options: MetadataCheckOptions) {
    this.#options = options
    this.#nextMs = options.clock.monotonicMs() + options.intervalMs
  }

  get hasChanged(): boolean {
    return this.#hasChanged
  }

  /** Asks when it is time; the answer comes in the background. */
  maybeCheck(): void {
    const { clock, intervalMs, logger } = this.#options
    if (this.#checking || clock.monotonicMs() < this.#nextMs) return
    this.#nextMs = clock.monotonicMs() + intervalMs
    this.#checking = this.#check()
      .catch((error: unknown) => logger.log('debug', 'topics could not be described', { error }))
      .finally(() => (this.#checking = undefined))
  }

  async #check(): Promise<void> {
    const { admin, plan, counts } = this.#options
    for (const { topic, partitionCount } of (await admin.describeTopics(sourcesOf(plan))).values()) {
      if (partitionCount !== counts.get(topic)) this.#hasChanged = true
    }
    if (!hasPatterns(plan)) return
    const known = new Set(sourcesOf(plan))
    const found = sourcesOf(resolvePatterns(plan, await admin.listTopics()))
    if (found.some(topic => !known.has(topic))) this.#hasChanged = true
  }
}

function sourcesOf({ subtopologies }: TopologyPlan): string[] {
  return subtopologies.flatMap(({ sourceTopics }) => sourceTopics)
}
