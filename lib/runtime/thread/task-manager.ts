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
  /** Wakes the loop when `startRestored` has something to do. */
  readonly wake: () => void
}

type Committed = ReadonlyMap<string, OffsetToCommit>

/** A task could not be taken over. Nothing is open that could go back: it is taken over anew. */
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

/** Offsets of all partitions of one assignment. */
interface Offsets {
  readonly committed: Promise<ReadonlyMap<string, OffsetToCommit>>
  /** Offsets at which to begin in partitions without a committed offset. */
  readonly starts: Promise<ReadonlyMap<string, number>>
  readonly mayStart: Promise<void>
  /** Resolves when all tasks of the assignment are restored, except those that were taken away. */
  readonly together: Promise<unknown>
}

interface RestoredTask extends OpenedTask {
  readonly plan: TaskPlan
  readonly committed: ReadonlyMap<string, OffsetToCommit>
  readonly starts: ReadonlyMap<string, number>
}

/**
 * The tasks of one thread. Tasks are taken over beside the running ones: committed offsets first (waiting
 * while they are undecided), then the engines, then restore; the loop starts a task when all that is done.
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

  /** The tasks that process. */
  get running(): readonly StreamTask[] {
    return this.#tasks
  }

  /** The tasks that are being taken over, and do not run yet. */
  get starting(): readonly TaskId[] {
    return [...this.#starting.keys()]
  }

  get isRestoring(): boolean {
    return this.#starting.size > 0
  }

  taskOf(partition: TopicPartition): StreamTask | undefined {
    return this.#byPartition.get(partitionKey(partition.topic, partition.partition))
  }

  /** Begins to take over the tasks of these anchor partitions. They start once `mayStart` resolves. */
  take(anchors: readonly TopicPartition[], mayStart: Promise<void> = Promise.resolve()): void {
    const plans = anchors.map(anchor => this.#options.anchors.task(anchor))
    if (plans.length === 0) return
    const committed = this.#options.consumer.committed(plans.flatMap(plan => [...plan.partitions]))
    // The starts are asked for once for all tasks, during their restore.
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
          // The failure waits until all tasks of the assignment are open, so that those with state fill their
          // changelogs. Another member may have the state that is lost here, and is asked next.
          if (isLost(error))
            await abortable(Promise.allSettled(taking.map(each => each.opened)), abort.signal).catch(ignored)
          if (!abort.signal.aborted) this.#failure ??= errorFrom(error)
        })
        .finally(() => this.#options.wake())
      this.#starting.set(plan.id, { abort, done })
    }
  }

  /**
   * Starts the tasks restored since the last call. Throws a failure of the background work as a
   * `TakeOverError`.
   */
  startRestored(): void {
    if (this.#failure) throw new TakeOverError(this.#failure)
    // Tasks are taken off one by one: where user code fails in `init`, the later ones are still among the
    // restored, and are closed with them.
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
   * Gives up the tasks of these anchors, whose work is committed. Their engines get their positions, so that
   * the next owner on this disk restores almost nothing.
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

  /** Drops the tasks of these anchors with all uncommitted work. */
  async closeDirty(anchors: readonly TopicPartition[]): Promise<void> {
    await allDone((await this.#release(anchors)).map(closeOpened))
  }

  /** Anchor partitions of all tasks here, running or not. */
  anchors(): TopicPartition[] {
    const ids = new Set<TaskId>([...this.#running.keys(), ...this.#starting.keys()])
    return this.#options.consumer.owned().filter(anchor => ids.has(this.#options.anchors.task(anchor).id))
  }

  /** Takes all tasks back to the last commit after an abort, and the consumer, too. */
  async reviveAll(): Promise<void> {
    this.#options.positions.forget()
    for (const { task } of this.#running.values()) {
      await task.revive()
      this.#read(task)
    }
  }

  /** Closes all tasks at once, without a commit. */
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
   * Registers the lag of the task's partitions, as a metric of the client; NaN while an end or a position is
   * not known.
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

  /**
   * Opens and restores a task after its committed offsets are known: whatever is read later cannot be older
   * than they are.
   */
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
      // Without any offset this is a first start, or all have expired: then no task may read its input, not
      // even one without state, before the state of all was checked.
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
   * Commits where a task begins, before its first record is processed. At-least-once writes state before
   * offsets: a crash in the very first commit would otherwise leave state without any offset, as if offsets
   * had expired.
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
        // The check is repeated, now with the restored state.
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
        // The directory removes the unfit state when it is opened again, and counts how often that was in
        // vain.
        engine.unfit(error)
      }
    }
  }

  /**
   * Whether the state on disk is as of the committed offsets. Under at-least-once it may be ahead: records
   * after them are processed again.
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

  /** Offsets at which to begin in partitions without a committed offset. */
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
   * Offsets by the reset policies of the partitions' sources. Throws `NO_OFFSET` where a policy is `none`.
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
      // The consumer has a position where a task reads: then the records there were deleted, or the topic
      // was.
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

  /** Reports running tasks' inputs whose records are no longer there. */
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

  /** Takes tasks out of everything that could still reach them, and returns them. */
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

/**
 * Closes a task, and its engines in any case: an open one would keep the next owner of the task out of its
 * directory.
 */
async function closeOpened({ task, engines }: OpenedTask): Promise<void> {
  try {
    await task.close()
  } finally {
    await closeEngines(engines)
  }
}

/** Waits until all have ended; rejects with the first failure. */
async function allDone(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

/** Reset policies by topic, where its source has one of its own. */
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

/** The entries of these partitions. */
function pick<T>(known: ReadonlyMap<string, T>, partitions: readonly TopicPartition[]): Map<string, T> {
  const picked = new Map<string, T>()
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition)
    const value = known.get(key)
    if (value !== undefined) picked.set(key, value)
  }
  return picked
}
