import type { TopicPartition } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { present } from '../../common/assert.ts'
import type { Clock } from '../../common/clock.ts'
import { InputRolledBackError, RecordFailedError } from '../../common/errors/errors.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { ChangelogPositions } from './changelog-positions.ts'
import type { Commit } from './commit.ts'
import { reactionTo } from './reaction.ts'
import type { OutputTopics } from '../nodes/output-topics.ts'
import type { RecordLoop } from './record-loop.ts'
import type { Refusals } from '../nodes/refusals.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { TaskManager } from './task-manager.ts'
import type { ThreadMetrics } from '../metrics/thread-metrics.ts'
import type { ThreadClients } from './thread-clients.ts'

export interface RecoveryOptions {
  readonly plan: TopologyPlan
  readonly settings: RuntimeSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly threadMetrics: ThreadMetrics
  readonly clients: ThreadClients
  readonly tasks: TaskManager
  readonly commit: Commit
  readonly loop: RecordLoop
  readonly positions: ChangelogPositions
  readonly outputs: OutputTopics
  readonly refusals: Refusals
  /** Called after an abort: everything since the last commit is undone. */
  readonly onAborted: () => void
}

const ABORT_PAUSE_MS = 100
const ABORT_PAUSES_MAX = 50

/**
 * Whether, and when, the records since the last commit are processed again; `later` where the cause may pass.
 */
type Repetition = 'none' | 'at-once' | 'later'

/**
 * Mends errors with the thread's present clients and tasks: goes back to the last commit, or moves a position
 * that is gone.
 */
export class Recovery {
  readonly #options: RecoveryOptions
  /** Number of aborts since the last commit. */
  #aborts = 0

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  committed(): void {
    this.#aborts = 0
  }

  /**
   * Mends the error; false where it ends this run. Rejects with further errors met on the way, which end the
   * run as well.
   */
  async recover(error: unknown): Promise<boolean> {
    if (error instanceof BrokerError && error.code === 'OFFSET_OUT_OF_RANGE') {
      // Without a partition there is no position to move: a new consumer is asked where to begin.
      if (error.partitions.length === 0) return false
      await this.#resetPositions(error.partitions)
      return true
    }
    const repetition = this.#repetitionAfter(error)
    if (repetition === 'none') return false
    this.#options.logger.log('warn', 'the transaction is aborted; its records are processed again', { error })
    await this.backToLastCommit()
    if (repetition === 'at-once') return true
    this.#aborts += 1
    await this.#options.clock.sleep(ABORT_PAUSE_MS * Math.min(this.#aborts, ABORT_PAUSES_MAX))
    return true
  }

  async backToLastCommit(): Promise<void> {
    const { clients, tasks, positions, loop, settings, threadMetrics, onAborted } = this.#options
    await this.#endCommit()
    threadMetrics.aborts.add()
    onAborted()
    loop.backToCommit()
    if (settings.processingGuarantee === 'exactly-once') {
      await clients.producer.abortTransaction()
      await tasks.reviveAll()
      await clients.producer.begin()
      return
    }
    // The changelogs have changes that the engines lack: the tasks are taken over again, restore included.
    const anchors = tasks.anchors()
    positions.forget()
    await tasks.closeDirty(anchors)
    tasks.take(anchors)
  }

  /** Whether going back may mend the error; notes what the repetition needs to know. */
  #repetitionAfter(error: unknown): Repetition {
    // A missing topic that a record named may appear, or be refused; one of the topology cannot be mended
    // here.
    if (error instanceof BrokerError && error.class === 'topic-missing') {
      return this.#options.outputs.forget(error.partitions.map(({ topic }) => topic)) ? 'later' : 'none'
    }
    if (error instanceof InputRolledBackError) return 'at-once'
    const reaction = reactionTo(error, 'run')
    if (reaction === 'isolate') return this.#isolates(error as BrokerError)
    return reaction === 'abort' ? 'later' : 'none'
  }

  #isolates(error: BrokerError): Repetition {
    const { refusals, loop } = this.#options
    const [place] = error.partitions
    if (place && refusals.isChangelog(place.topic)) {
      const { inputs, lastInput } = loop.sinceCommit
      if (refusals.narrow(error, inputs, lastInput)) return 'at-once'
      throw new RecordFailedError(
        'CHANGELOG_RECORD_REFUSED',
        `a change that a punctuator made was refused by the changelog "${place.topic}": ${error.message}`,
        { cause: error },
      )
    }
    if (refusals.beginRound()) return 'later'
    throw new RecordFailedError(
      'PRODUCTION_FAILED',
      `a record for topic "${place?.topic ?? '?'}" is refused each time, and is not the same each time, so that no handler could be asked: ` +
        error.message,
      { cause: error },
    )
  }

  /**
   * Waits for a commit under way, which may still succeed, or end this run. Both epochs are taken back
   * afterwards.
   */
  async #endCommit(): Promise<void> {
    const { commit } = this.#options
    try {
      await commit.settled()
    } catch (error) {
      if (!this.#mayRepeatWith(error)) throw error
    }
    commit.forget()
  }

  #mayRepeatWith(error: unknown): boolean {
    const reaction = reactionTo(error, 'run')
    return reaction === 'abort' || reaction === 'isolate'
  }

  async #resetPositions(partitions: BrokerError['partitions']): Promise<void> {
    const { logger, commit, tasks, clients } = this.#options
    await commit.settled()
    for (const { topic, partition, divergingOffset } of partitions) {
      const task = tasks.taskOf({ topic, partition })
      if (!task) continue
      const { offset, by } = await this.#newPosition({ topic, partition }, divergingOffset)
      const key = partitionKey(topic, partition)
      logger.log('warn', `the position in ${key} is no longer there; going on at ${offset} by ${by}`)
      task.restartAt({ topic, partition }, offset)
      clients.consumer.assign([{ topic, partition, offset }])
    }
  }

  async #newPosition(
    place: TopicPartition,
    divergingOffset: number | undefined,
  ): Promise<{ readonly offset: number; readonly by: string }> {
    const { settings, tasks, plan } = this.#options
    if (divergingOffset !== undefined && settings.logTruncated === 'diverging-offset') {
      return { offset: divergingOffset, by: 'logTruncated: its log was cut there' }
    }
    const subtopology = present(
      plan.subtopologies.find(({ sourceTopics }) => sourceTopics.includes(place.topic)),
      `sub-topology of ${place.topic}`,
    )
    const offsets = await tasks.resetOffsets([{ subtopology }], [place])
    const key = partitionKey(place.topic, place.partition)
    return { offset: present(offsets.get(key), `offset of ${key}`), by: 'the reset policy' }
  }
}
