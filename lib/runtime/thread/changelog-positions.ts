import type { Admin, TopicDescription, TopicPartition } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import type { Clock } from '../../common/clock.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import { parseTaskId } from '../../common/ids.ts'
import type { StreamTask } from '../task/stream-task.ts'
import { isolationOf } from '../plan/isolation.ts'
import type { RuntimeSettings } from '../plan/settings.ts'

/**
 * Learns, now and then, whether the changelogs are still those that the tasks began with, and up to which
 * changelog offset the engines certainly hold everything. An answer that arrives while an epoch is open
 * covers records of this epoch and older ones only, so it may be stored with this epoch's batch. It is a
 * lower bound: replaying a record twice does no harm.
 */
export class ChangelogPositions {
  readonly #admin: Admin
  readonly #settings: RuntimeSettings
  readonly #clock: Clock
  readonly #logger: Logger
  #answers: ReadonlyMap<string, number> = new Map()
  #asked: Promise<void> | undefined
  #nextMs: number
  #generation = 0
  #failure: BrokerError | undefined

  constructor(admin: Admin, settings: RuntimeSettings, clock: Clock, logger: Logger) {
    this.#admin = admin
    this.#settings = settings
    this.#clock = clock
    this.#logger = logger
    this.#nextMs = clock.monotonicMs() + settings.positionIntervalMs
  }

  /** Asks when it is time; the answer comes in the background. */
  maybeAsk(tasks: readonly StreamTask[]): void {
    if (this.#asked || this.#clock.monotonicMs() < this.#nextMs) return
    const generation = this.#generation
    this.#nextMs = this.#clock.monotonicMs() + this.#settings.positionIntervalMs
    this.#asked = this.#ask(tasks)
      .then(answers => {
        if (generation === this.#generation) this.#answers = answers
      })
      .catch((error: unknown) => this.#logger.log('debug', 'changelog ends could not be read', { error }))
      .finally(() => (this.#asked = undefined))
  }

  /**
   * Throws where a changelog was deleted and made anew between two writes. Writes go by its name, so that no
   * broker says so, and its earlier records would be missing for ever: whoever takes the tasks over anew
   * fills it.
   */
  throwIfMadeAnew(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure) throw failure
  }

  /** Positions by changelog topic, for the batch of the epoch that is being sealed. */
  of(task: StreamTask): ReadonlyMap<string, number> {
    return this.#pick(task, this.#answers)
  }

  /** Forgets the answers, which the sealed epoch has used: later ones belong to the next epoch. */
  used(): void {
    this.#answers = new Map()
  }

  /** Forgets the answers after an abort: they may cover records that are not in the engines. */
  forget(): void {
    this.#generation += 1
    this.#answers = new Map()
  }

  /** Positions to store at a clean close, after the last commit. */
  async final(tasks: readonly StreamTask[]): Promise<(task: StreamTask) => ReadonlyMap<string, number>> {
    const answers = await this.#ask(tasks)
    return task => this.#pick(task, answers)
  }

  async #ask(tasks: readonly StreamTask[]): Promise<ReadonlyMap<string, number>> {
    const isolation = isolationOf(this.#settings)
    const partitions = tasks.flatMap(changelogPartitions)
    if (partitions.length === 0) return new Map()
    const topics = [...new Set(partitions.map(({ topic }) => topic))]
    const [ends, described] = await Promise.all([
      this.#admin.endOffsets(partitions, isolation),
      this.#admin.describeTopics(topics),
    ])
    for (const task of tasks) this.#compare(task, described)
    return ends
  }

  #compare({ id, state }: StreamTask, described: ReadonlyMap<string, TopicDescription>): void {
    for (const { topic, isSource, persistent } of state.changelogs()) {
      const [known, now] = [state.topicIds.get(topic), described.get(topic)?.topicId]
      if (isSource || !persistent || known === undefined || now === undefined || known === now) continue
      const message = `the changelog ${topic} of task ${id} was deleted and made anew while the task ran`
      this.#failure ??= new BrokerError('CHANGELOG_MADE_ANEW', 'task-migrated', message)
    }
  }

  #pick(task: StreamTask, answers: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    const picked = new Map<string, number>()
    if (answers.size === 0) return picked
    for (const { topic, partition } of changelogPartitions(task)) {
      const offset = answers.get(partitionKey(topic, partition))
      if (offset !== undefined) picked.set(topic, offset)
    }
    return picked
  }
}

/**
 * Partitions of the task's changelogs. A source topic that serves as changelog is not among them: the group
 * keeps its committed offset.
 */
function changelogPartitions(task: StreamTask): TopicPartition[] {
  const { partition } = parseTaskId(task.id)
  return task.state
    .changelogs()
    .filter(changelog => !changelog.isSource && changelog.persistent)
    .map(({ topic }) => ({ topic, partition }))
}
