import type { Admin, OffsetToCommit, TopicPartition } from '../../broker/broker.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { AnchorPlan, TaskPlan } from '../plan/anchor-plan.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { StateManager } from '../state/state-manager.ts'

export interface OffsetCheckOptions {
  readonly admin: Admin
  readonly anchors: AnchorPlan
  readonly settings: RuntimeSettings
  readonly logger: Logger
  /** The anchors that the group has assigned to this process. */
  readonly owned: () => readonly TopicPartition[]
}

type Committed = ReadonlyMap<string, OffsetToCommit>

/**
 * Checks whether committed offsets, state and input topics belong together, before a task starts at these
 * offsets.
 */
export class OffsetCheck {
  readonly #options: OffsetCheckOptions

  constructor(options: OffsetCheckOptions) {
    this.#options = options
  }

  /**
   * Throws `OFFSETS_LOST` where the task has state, on disk or restored, but no committed offset. Offsets
   * expire when nobody commits for as long as the broker keeps them (`offsets.retention.minutes`), and the
   * reset policy would count everything again. `committed`: offsets of all tasks that came with this one.
   * Offsets of topics that the application writes itself are lost with these topics, too, which
   * `tellLostInput` reports.
   */
  async checkOffsets(plan: TaskPlan, committed: Committed, state: StateManager): Promise<void> {
    const { anchors, settings } = this.#options
    const { partitions } = plan
    if (settings.offsetsLost === 'accept' || partitions.length === 0) return
    if (partitions.some(({ topic, partition }) => committed.has(partitionKey(topic, partition)))) return
    if (!(await holdsState(state))) return
    if (partitions.every(({ topic }) => anchors.writes(topic)) && (await this.#hasOthers(committed))) return
    const names = plan.partitions.map(({ topic, partition }) => partitionKey(topic, partition)).join(', ')
    throw new StreamsError(
      'OFFSETS_LOST',
      `task ${plan.id} has state, but the group "${settings.applicationId}" has no committed offset for ${names}: they have expired, or were ` +
        'deleted, and reading from the beginning would count records twice. Reset the application (delete its internal topics and its state directory, ' +
        "cleanUp()); or set offsets for the group; or set offsetsLost: 'accept' to go on with the state as it is, where offsetReset says",
    )
  }

  /**
   * Whether the group has offsets of topics that others write: they expire all together. Offsets that were
   * read with this task's are from before any task here began, which may commit at once.
   */
  async #hasOthers(committed: Committed): Promise<boolean> {
    const { anchors, settings, admin } = this.#options
    for (const { topic } of committed.values()) if (!anchors.writes(topic)) return true
    if (anchors.hasInputs(this.#options.owned())) return false
    return (await admin.groupOffsets(settings.applicationId, anchors.inputs())).size > 0
  }

  /**
   * Reports each input that the application writes itself, a repartition topic, whose records are gone since
   * it was made anew. Throws `REPARTITION_LOST` where the setting wants that.
   */
  checkInputs(plan: TaskPlan, committed: Committed, state: StateManager): void {
    const { anchors } = this.#options
    const ours = plan.partitions.filter(({ topic }) => anchors.writes(topic))
    const stored = state.storedOffsets(ours)
    for (const { topic, partition } of ours) {
      const key = partitionKey(topic, partition)
      const from = stored.get(key)
      if (from !== undefined && !committed.has(key)) this.tellLostInput(key, from, undefined)
    }
  }

  /** Reports a lost input. `end`: the last known end of the lost records; undefined where none is known. */
  tellLostInput(key: string, from: number, end: number | undefined): void {
    const { settings, logger } = this.#options
    const to = end === undefined ? 'on (its end is not known)' : `to ${end}`
    const what = `what ${key} held from offset ${from} ${to} is lost: the topic was deleted and made anew`
    if (settings.repartitionLost === 'fail') {
      throw new StreamsError(
        'REPARTITION_LOST',
        `${what}. Reset the application, or set repartitionLost: 'continue' to go on without these records`,
      )
    }
    logger.log('error', what)
  }
}

/** Whether a store that has a changelog has rows. Stores without one may be filled without any record. */
async function holdsState(state: StateManager): Promise<boolean> {
  for (const { storeName } of state.changelogs()) if (await state.holdsRows(storeName)) return true
  return false
}
