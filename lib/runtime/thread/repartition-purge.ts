import type { Admin, TopicPartitionOffset } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import type { StreamTask } from '../task/stream-task.ts'

/** Deletes processed and committed records of repartition topics (KIP-204): nobody else reads them. */
export class RepartitionPurge {
  readonly #admin: Admin
  readonly #topics: ReadonlySet<string>
  readonly #intervalMs: number
  readonly #clock: Clock
  readonly #logger: Logger
  #nextMs: number
  #pending: Promise<void> | undefined

  constructor(
    admin: Admin,
    topics: ReadonlySet<string>,
    options: { readonly intervalMs: number; readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#admin = admin
    this.#topics = topics
    this.#intervalMs = options.intervalMs
    this.#clock = options.clock
    this.#logger = options.logger
    this.#nextMs = this.#clock.monotonicMs() + this.#intervalMs
  }

  /** Deletes in the background, after a commit. */
  maybePurge(tasks: readonly StreamTask[]): void {
    if (this.#topics.size === 0 || this.#pending || this.#clock.monotonicMs() < this.#nextMs) return
    this.#nextMs = this.#clock.monotonicMs() + this.#intervalMs
    const before = tasks.flatMap(task => this.#processed(task))
    if (before.length === 0) return
    this.#pending = this.#admin
      .deleteRecords(before)
      // A failure is only logged, since the next purge deletes the same records: they cost disk space, not
      // correctness.
      .catch((error: unknown) =>
        this.#logger.log('debug', 'repartition topics could not be purged', { error }),
      )
      .finally(() => (this.#pending = undefined))
  }

  #processed(task: StreamTask): TopicPartitionOffset[] {
    return task.partitions.flatMap(({ topic, partition }) => {
      const offset = this.#topics.has(topic) ? task.resumeOffset({ topic, partition }) : undefined
      return offset === undefined || offset === 0 ? [] : [{ topic, partition, offset }]
    })
  }
}
