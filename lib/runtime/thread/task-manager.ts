import type { Admin, Consumer, OffsetToCommit, TopicPartition } from '../../broker/broker.ts'
import { abortable } from '../../common/abortable.ts'
import { present } from '../../common/assert.ts'
import { errorFrom, StreamsError, TaskCorruptedError } from '../../common/errors/errors.ts'
import { partitionKey, type TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import { METRIC_GROUPS, type Metrics } from '../../common/metrics/metrics.ts'
import type { OffsetReset } from '../../topology/plan.ts'
import type { AnchorPlan, TaskPlan } from '../plan/anchor-plan.ts'
import { isMarked } from '../state/changelog-marks.ts'
import type { ChangelogPositions } from './changelog-positions.ts'
import { OffsetCheck } from './offset-check.ts'
import { UnfitStateError, type RestoreRequest } from '../state/restore-plan.ts'
import type { Restorer } from '../state/restorer.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { StateManager } from '../state/state-manager.ts'
import type { StreamTask } from '../task/stream-task.ts'
import { closeEngines, openMarkWrite } from '../state/task-engines.ts'
import type { OpenedTask, TaskFactory } from './task-factory.ts'

export interface TaskManagerOptions {
  readonly consumer: Consumer
  readonly admin: Admin
  readonly anchors: AnchorPlan
  readonly factory: TaskFactory
  readonly restorer: Restorer
  readonly positions: ChangelogPositions
  readonly settings: RuntimeSettings
  readonly logger: Logger
  readonly metrics: Metrics
  /** `startRestored` has something to do. */
  readonly wake: () => void
}

type Committed = ReadonlyMap<string, OffsetToCommit>

/** A task could not be taken over. Nothing is open that could go back: it has to be taken over anew. */
export class TakeOverError extends Error {
  override readonly cause: Error

  constructor(cause: Error) {
    super(cause.message, { cause })
    this.cause = cause
  }
}

interface StartingTask {
  readonly abort: AbortController
  readonly done: Promise<void>
}

/** Offsets of all partitions that came in one assignment. */
interface Offsets {
  readonly committed: Promise<ReadonlyMap<string, OffsetToCommit>>
  /** Where to begin in those without a committed offset. */
  readonly starts: Promise<ReadonlyMap<string, number>>
  readonly mayStart: Promise<void>
  /** All of their tasks are restored, but for those that were taken away. */
  readonly together: Promise<unknown>
}

interface RestoredTask extends OpenedTask {
  readonly plan: TaskPlan
  readonly committed: ReadonlyMap<string, OffsetToCommit>
  readonly starts: ReadonlyMap<string, number>
}

/**
 * The tasks of one thread. Taking one over happens beside the running ones: committed offsets first (waiting
 * while they are undecided), then its engines, then restore; the loop starts it when all that is done.
 */
export class TaskManager {
  readonly #options: TaskManagerOptions
  readonly #checks: OffsetCheck
  readonly #running = new Map<TaskId, OpenedTask>()
  readonly #starting = new Map<TaskId, StartingTask>()
  readonly #byPartition = new Map<string, StreamTask>()
  #restored: RestoredTask[] = []
  #failure: Error | undefined
  #tasks: readonly StreamTask[] = []

  constructor(options: TaskManagerOptions) {
    this.#options = options
    this.#checks = new OffsetCheck({ ...options, owned: () => options.consumer.owned() })
  }

  /** Tasks that process. */
  get running(): readonly StreamTask[] {
    return this.#tasks
  }

  /** Tasks that are taken over, and do not run yet. */
  get starting(): readonly TaskId[] {
    return [...this.#starting.keys()]
  }

  get isRestoring(): boolean {
    return this.#starting.size > 0
  }

  taskOf(partition: TopicPartition): StreamTask | undefined {
    return this.#byPartition.get(partitionKey(partition.topic, partition.partition))
  }

  /** Begins to take over the tasks of these anchor partitions; they start when it is known that they may. */
  take(anchors: readonly TopicPartition[], mayStart: Promise<void> = Promise.resolve()): void {
    const plans = anchors.map(anchor => this.#options.anchors.task(anchor))
    if (plans.length === 0) return
    const committed = this.#options.consumer.committed(plans.flatMap(plan => [...plan.partitions]))
    // One question for all tasks, beside their restore.
    const starts = committed.then(offsets => this.#startOffsets(plans, offsets))
    starts.catch(() => undefined)
    const taking = plans.map(plan => {
      const abort = new AbortController()
      return { plan, abort, opened: this.#openCommitted(plan, committed, abort.signal) }
    })
    const together = Promise.all(
      taking.map(({ abort, opened }) =>
        opened.catch((error: unknown) => {
          if (!abort.signal.aborted) throw error
        }),
      ),
    )
    together.catch(() => undefined)
    for (const { plan, abort, opened } of taking) {
      const done = this.#takeOver(plan, opened, { committed, starts, together, mayStart }, abort.signal)
        .catch(async (error: unknown) => {
          // Another member may have what is lost here, and is asked next; before, the tasks that have their
          // state fill their changelogs.
          if (isLost(error))
            await abortable(Promise.allSettled(taking.map(each => each.opened)), abort.signal).catch(ignored)
          if (!abort.signal.aborted) this.#failure ??= errorFrom(error)
        })
        .finally(() => this.#options.wake())
      this.#starting.set(plan.id, { abort, done })
    }
  }

  /**
   * Starts what has been restored since the last call. Throws what went wrong in the background, as a
   * `TakeOverError`.
   */
  startRestored(): void {
    if (this.#failure) throw new TakeOverError(this.#failure)
    // One by one: where user code fails in `init`, those behind it are still among the restored, to be closed
    // with them.
    for (let restored = this.#restored.shift(); restored; restored = this.#restored.shift()) {
      const { task, plan, committed, starts } = restored
      this.#starting.delete(plan.id)
      this.#running.set(plan.id, restored)
      task.start(committed, starts)
      this.#watchLag(task)
      for (const partition of plan.partitions)
        this.#byPartition.set(partitionKey(partition.topic, partition.partition), task)
      this.#read(task)
      this.#options.logger.log('debug', `task ${plan.id} is running`)
    }
    this.#tasks = Array.from(this.#running.values(), ({ task }) => task)
  }

  /**
   * Gives up the tasks of these anchors, whose work is committed: their engines are told how far they are, so
   * that the next owner on this disk restores almost nothing.
   */
  async closeClean(anchors: readonly TopicPartition[]): Promise<void> {
    const closing = await this.#release(anchors)
    const positions = await this.#options.positions
      .final(closing.map(({ task }) => task))
      .catch((error: unknown) => {
        this.#options.logger.log(
          'warn',
          'changelog ends could not be read at close; more is replayed next time',
          { error },
        )
        return () => new Map<string, number>()
      })
    await allDone(closing.map(opened => this.#finish(opened, positions(opened.task))))
  }

  /** Drops the tasks of these anchors with whatever they have not committed. */
  async closeDirty(anchors: readonly TopicPartition[]): Promise<void> {
    await allDone((await this.#release(anchors)).map(closeOpened))
  }

  /** Every anchor partition that a task here belongs to, running or not. */
  anchors(): TopicPartition[] {
    const ids = new Set<TaskId>([...this.#running.keys(), ...this.#starting.keys()])
    return this.#options.consumer.owned().filter(anchor => ids.has(this.#options.anchors.task(anchor).id))
  }

  /** After an abort: all tasks as they were at the last commit, the consumer too. */
  async reviveAll(): Promise<void> {
    this.#options.positions.forget()
    for (const { task } of this.#running.values()) {
      await task.revive()
      this.#read(task)
    }
  }

  /** Ends everything at once, without committing. */
  async closeAllDirty(): Promise<void> {
    for (const { abort } of this.#starting.values()) abort.abort()
    await Promise.all(Array.from(this.#starting.values(), ({ done }) => done))
    this.#starting.clear()
    const opened = [...this.#restored.splice(0), ...this.#running.values()]
    this.#running.clear()
    this.#byPartition.clear()
    this.#tasks = []
    await allDone(opened.map(closeOpened))
  }

  /**
   * The lag of a client's own partitions; it goes with the task. NaN while an end or a position is not known.
   */
  #watchLag({ id, partitions }: StreamTask): void {
    const { consumer, metrics, settings } = this.#options
    for (const place of partitions) {
      const { topic, partition } = place
      const tags = { 'client-id': settings.clientId, 'task-id': id, topic, partition: String(partition) }
      const lag = () => (consumer.knownEnd(place) ?? NaN) - (consumer.position(place) ?? NaN)
      metrics.gauge('records-lag', tags, () => Math.max(0, lag()), METRIC_GROUPS.consumer)
    }
  }

  /** The order matters: what is read after the committed offsets cannot be older than they are. */
  async #openCommitted(plan: TaskPlan, all: Promise<Committed>, signal: AbortSignal): Promise<OpenedTask> {
    const group = await abortable(all, signal)
    return this.#openRestored(plan, { committed: pick(group, plan.partitions), group }, signal)
  }

  async #takeOver(
    plan: TaskPlan,
    opening: Promise<OpenedTask>,
    all: Offsets,
    signal: AbortSignal,
  ): Promise<void> {
    const opened = await opening
    try {
      const group = await all.committed
      const committed = pick(group, plan.partitions)
      // A first start, or their offsets have expired: then no task may read its input again, not even one
      // without state, before all were looked at.
      if (group.size === 0) await abortable(all.together, signal)
      const starts = pick(await abortable(all.starts, signal), plan.partitions)
      await abortable(all.mayStart, signal)
      signal.throwIfAborted()
      await this.#commitStarts(plan, starts)
      this.#restored.push({ ...opened, plan, committed, starts })
    } catch (error) {
      await closeOpened(opened)
      throw error
    }
  }

  /**
   * At-least-once writes state before offsets: after a crash in the first commit of all there would be state
   * without any offset, as if they had expired. So where a task begins is committed before its first record
   * is processed.
   */
  async #commitStarts(plan: TaskPlan, starts: ReadonlyMap<string, number>): Promise<void> {
    const { settings, consumer } = this.#options
    if (settings.processingGuarantee !== 'at-least-once' || plan.subtopology.stores.length === 0) return
    const offsets = plan.partitions.flatMap(({ topic, partition }) => {
      const offset = starts.get(partitionKey(topic, partition))
      return offset === undefined ? [] : [{ topic, partition, offset }]
    })
    if (offsets.length > 0) await consumer.commit(offsets)
  }

  async #openRestored(
    plan: TaskPlan,
    { committed, group }: { readonly committed: Committed; readonly group: Committed },
    signal: AbortSignal,
  ): Promise<OpenedTask> {
    const { factory, restorer } = this.#options
    const { id: taskId, partition } = plan
    const committedOffset = (topic: string) => committed.get(partitionKey(topic, partition))?.offset
    for (;;) {
      const opened = await factory.open(plan)
      const { state } = opened.task
      try {
        await this.#checks.checkOffsets(plan, group, state)
        this.#checks.checkInputs(plan, committed, state)
        const isWhole = () => this.#isWhole(plan, committed, state)
        const refills = await restorer.restore({
          taskId,
          partition,
          state,
          committedOffset,
          isMarked: changelog => this.#isMarked(committed, changelog),
          isWhole,
          signal,
        })
        // Now with what was restored.
        await this.#checks.checkOffsets(plan, group, state)
        const { consumer } = this.#options
        for (const refill of refills)
          await factory.refill(plan, opened, { ...refill, committed, consumer, signal })
        return opened
      } catch (error) {
        if (error instanceof UnfitStateError) await state.clear(error.stores)
        await closeOpened(opened)
        if (error instanceof UnfitStateError) continue
        const { state: engine } = opened.engines
        if (!(error instanceof TaskCorruptedError && engine)) throw error
        // Removed as it is opened again, by the directory, which counts how often that was in vain.
        engine.unfit(error)
      }
    }
  }

  /**
   * Whether the state on disk carries the very offsets that are committed. What at-least-once has beyond them
   * is processed again.
   */
  #isWhole(plan: TaskPlan, committed: ReadonlyMap<string, OffsetToCommit>, state: StateManager): boolean {
    const stored = state.storedOffsets(plan.partitions)
    const mayBeAhead = this.#options.settings.processingGuarantee === 'at-least-once'
    return plan.partitions.every(({ topic, partition }) => {
      const key = partitionKey(topic, partition)
      const [has, wants] = [stored.get(key), committed.get(key)?.offset]
      return has === wants || (mayBeAhead && has !== undefined && (wants ?? 0) < has)
    })
  }

  #isMarked(committed: Committed, changelog: Parameters<RestoreRequest['isMarked']>[0]): boolean | undefined {
    const accepts = this.#options.settings.changelogLost === 'accept'
    return accepts ? undefined : isMarked(committed.values(), changelog)
  }

  /** Where to begin in partitions without a committed offset. */
  async #startOffsets(
    plans: readonly TaskPlan[],
    committed: ReadonlyMap<string, OffsetToCommit>,
  ): Promise<Map<string, number>> {
    const fresh = plans
      .flatMap(({ partitions }) => partitions)
      .filter(({ topic, partition }) => !committed.has(partitionKey(topic, partition)))
    return this.resetOffsets(plans, fresh)
  }

  /**
   * Offsets by the reset policy of the partitions' sources. Throws `NO_OFFSET` where the policy is `none`.
   */
  async resetOffsets(
    plans: readonly Pick<TaskPlan, 'subtopology'>[],
    partitions: readonly TopicPartition[],
  ): Promise<Map<string, number>> {
    const { admin, settings, consumer } = this.#options
    this.#tellLost(partitions)
    const policies = resetPolicies(plans)
    const policyOf = ({ topic }: TopicPartition) => policies.get(topic) ?? settings.offsetReset
    const refused = partitions.find(partition => policyOf(partition) === 'none')
    if (refused) {
      const key = partitionKey(refused.topic, refused.partition)
      // A task that reads had one: deleted with its records, or cut off.
      const isGone = consumer.position(refused) !== undefined
      const what = isGone
        ? `the position in ${key} is no longer there`
        : `there is no committed offset for ${key}`
      throw new StreamsError(
        'NO_OFFSET',
        `${what}, and offsetReset is 'none': choose ` +
          "'earliest' or 'latest', or commit an offset for the group",
      )
    }
    const earliest = partitions.filter(partition => policyOf(partition) === 'earliest')
    const latest = partitions.filter(partition => policyOf(partition) === 'latest')
    return new Map([
      ...(earliest.length > 0 ? await admin.beginningOffsets(earliest) : []),
      ...(latest.length > 0 ? await admin.endOffsets(latest, 'read_committed') : []),
    ])
  }

  /** A running task whose input is not there any more where it was. */
  #tellLost(partitions: readonly TopicPartition[]): void {
    const { anchors, consumer } = this.#options
    for (const partition of partitions) {
      const from = consumer.position(partition)
      if (from === undefined || !anchors.writes(partition.topic)) continue
      const key = partitionKey(partition.topic, partition.partition)
      this.#checks.tellLostInput(key, from, consumer.knownEnd(partition))
    }
  }

  #read(task: StreamTask): void {
    const { consumer } = this.#options
    consumer.assign(
      task.partitions.map(partition => {
        const key = partitionKey(partition.topic, partition.partition)
        return { ...partition, offset: present(task.resumeOffset(partition), `offset of ${key}`) }
      }),
    )
  }

  /** Takes tasks out of everything that could still reach them. */
  async #release(anchors: readonly TopicPartition[]): Promise<OpenedTask[]> {
    const released: OpenedTask[] = []
    for (const anchor of anchors) {
      const plan = this.#options.anchors.task(anchor)
      this.#options.consumer.unassign(plan.partitions)
      for (const { topic, partition } of plan.partitions)
        this.#byPartition.delete(partitionKey(topic, partition))
      await this.#stopStarting(plan.id, released)
      const running = this.#running.get(plan.id)
      if (running) released.push(running)
      this.#running.delete(plan.id)
    }
    this.#tasks = Array.from(this.#running.values(), ({ task }) => task)
    return released
  }

  async #stopStarting(id: TaskId, released: OpenedTask[]): Promise<void> {
    const starting = this.#starting.get(id)
    if (!starting) return
    starting.abort.abort()
    await starting.done
    this.#starting.delete(id)
    released.push(...this.#restored.filter(({ plan }) => plan.id === id))
    this.#restored = this.#restored.filter(({ plan }) => plan.id !== id)
  }

  async #finish(opened: OpenedTask, positions: ReadonlyMap<string, number>): Promise<void> {
    const { task } = opened
    try {
      await task.state.written()
      if (!task.isRunning) return
      task.state.startWriting(positions, [openMarkWrite(false)])
      await task.state.written()
    } finally {
      await closeOpened(opened)
    }
  }
}

function isLost(error: unknown): boolean {
  return error instanceof StreamsError && error.code === 'CHANGELOG_LOST'
}

const ignored = () => undefined

/** The engines in any case: who leaves one open keeps the next owner of the task out of its directory. */
async function closeOpened({ task, engines }: OpenedTask): Promise<void> {
  try {
    await task.close()
  } finally {
    await closeEngines(engines)
  }
}

/** Rejects with the first failure, when all have ended. */
async function allDone(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

/** By topic, where its source has one of its own. */
function resetPolicies(plans: readonly Pick<TaskPlan, 'subtopology'>[]): Map<string, OffsetReset> {
  const policies = new Map<string, OffsetReset>()
  for (const { nodes } of new Set(plans.map(({ subtopology }) => subtopology))) {
    for (const node of nodes) {
      if (node.kind !== 'source' || node.offsetReset === undefined) continue
      for (const topic of node.topics) policies.set(topic, node.offsetReset)
    }
  }
  return policies
}

/** What is known of these partitions. */
function pick<T>(known: ReadonlyMap<string, T>, partitions: readonly TopicPartition[]): Map<string, T> {
  const picked = new Map<string, T>()
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition)
    const value = known.get(key)
    if (value !== undefined) picked.set(key, value)
  }
  return picked
}
