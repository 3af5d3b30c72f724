import type { Admin, TopicPartition } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { present } from '../../common/assert.ts'
import type { Clock } from '../../common/clock.ts'
import { StreamsError, TaskCorruptedError } from '../../common/errors/errors.ts'
import { partitionKey, type TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import { fitOf, MADE_ANEW, type Fit } from './state-fit.ts'
import type { Changelog, StateManager } from './state-manager.ts'

/** The stores of one task that have to catch up with their changelogs. */
export interface RestoreRequest {
  readonly taskId: TaskId
  readonly partition: number
  readonly state: StateManager
  /** Committed offset of a source topic that serves as changelog: it is replayed up to there. */
  readonly committedOffset: (topic: string) => number | undefined
  /** Whether these offsets were committed with state in that very topic; undefined where they do not say. */
  readonly isMarked: (changelog: {
    readonly storeName: string
    readonly topicId: string | undefined
  }) => boolean | undefined
  /** Whether the state on disk is exactly as of the committed offsets. */
  readonly isWhole: () => boolean
  readonly signal: AbortSignal
}

export interface ReplayPlan extends TopicPartition {
  readonly request: RestoreRequest
  readonly storeName: string
  readonly persistent: boolean
  readonly startOffset: number
  readonly endOffset: number
}

/** A store whose changelog has lost its records, which are to be sent again. */
export interface Refill {
  readonly storeName: string
  readonly topic: string
}

export interface RestorePlan {
  readonly replays: readonly ReplayPlan[]
  readonly refills: readonly Refill[]
  /** Positions of the stores on disk when all is replayed, by topic. */
  readonly positions: ReadonlyMap<string, number>
}

/**
 * State on disk that does not belong to its changelog: these stores have to be cleared before the task is
 * opened again.
 */
export class UnfitStateError extends TaskCorruptedError {
  readonly stores: readonly string[]

  constructor(stores: readonly string[], message: string) {
    super(message)
    this.stores = stores
  }
}

export interface RestorePlannerOptions {
  readonly settings: Pick<RuntimeSettings, 'changelogLost'>
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
}

interface Bounds {
  readonly topicId: string | undefined
  readonly beginning: number
  readonly end: number
}

const DAY_MS = 86_400_000
const RETENTION = 'delete.retention.ms'

/** Plans what each store needs, from its state on disk and the present state of its changelog. */
export class RestorePlanner {
  readonly #options: RestorePlannerOptions
  /** Requests for topic ids under way: tasks that are restored side by side ask for the same topics. */
  readonly #ids = new Map<string, Promise<string | undefined>>()
  readonly #retentions = new Map<string, Promise<number | undefined>>()

  constructor(options: RestorePlannerOptions) {
    this.#options = options
  }

  /** Throws `UnfitStateError`, and `CHANGELOG_LOST` where neither changelog nor disk has all of the state. */
  async plan(request: RestoreRequest): Promise<RestorePlan> {
    const changelogs = request.state.changelogs()
    const bounds = await this.#boundsOf(changelogs, request)
    const replays: ReplayPlan[] = []
    const refills: Refill[] = []
    const positions = new Map<string, number>()
    const unfit = new Map<string, string>()
    for (const [changelog, bound] of bounds) {
      const { topic, storeName, persistent } = changelog
      const fit = this.#accepted(await this.#fit(changelog, bound, request))
      this.#tell(fit, changelog, request)
      if (fit.kind === 'lost') throw lostError(changelog, request, fit.why)
      if (fit.kind === 'rebuild') unfit.set(storeName, `${topic}: ${fit.why}`)
      if (fit.kind === 'refill') refills.push({ storeName, topic })
      if (fit.kind !== 'replay') continue
      const [startOffset, endOffset] = [fit.from, bound.end]
      positions.set(topic, Math.max(startOffset, endOffset))
      const { partition } = request
      if (startOffset < endOffset)
        replays.push({ request, storeName, persistent, topic, partition, startOffset, endOffset })
    }
    if (unfit.size > 0) {
      const why = [...unfit.values()].join('; ')
      const message = `state of task ${request.taskId} does not belong to its changelog (${why})`
      throw new UnfitStateError([...unfit.keys()], message)
    }
    return { replays, refills, positions }
  }

  async #boundsOf(
    changelogs: readonly Changelog[],
    { partition, committedOffset, state }: RestoreRequest,
  ): Promise<ReadonlyMap<Changelog, Bounds>> {
    const { admin } = this.#options
    const bounds = new Map<Changelog, Bounds>()
    const topics = changelogs.map(({ topic }) => topic)
    if (topics.length === 0) return bounds
    const partitions = topics.map(topic => ({ topic, partition }))
    const [ends, beginnings, ids] = await Promise.all([
      admin.endOffsets(partitions, 'read_uncommitted'),
      admin.beginningOffsets(partitions),
      this.#idsOf(topics),
    ])
    for (const changelog of changelogs) {
      const { topic, isSource } = changelog
      const key = partitionKey(topic, partition)
      const end = present(ends.get(key), `end of ${key}`)
      const topicId = ids.get(topic)
      if (topicId !== undefined) state.topicIds.set(topic, topicId)
      bounds.set(changelog, {
        topicId,
        beginning: beginnings.get(key) ?? 0,
        end: isSource ? Math.min(end, committedOffset(topic) ?? 0) : end,
      })
    }
    return bounds
  }

  async #fit(changelog: Changelog, bound: Bounds, request: RestoreRequest): Promise<Fit> {
    const { position, storeName, persistent, isSource, options } = changelog
    const { beginning, end, topicId } = bound
    const fromBeginning: Fit = { kind: 'replay', from: beginning }
    const isMarked = isSource ? undefined : request.isMarked({ storeName, topicId })
    if (!persistent) return isMarked === false ? { kind: 'lost', why: MADE_ANEW } : fromBeginning
    const isSame = position?.topicId === undefined || !topicId || position.topicId === topicId
    // The group's offset in a source topic is the position of the store, and nothing can be sent to the
    // topic.
    if (isSource && position && isSame && position.offset >= end) return { kind: 'replay', from: end }
    const isBehind = position !== undefined && position.offset < end
    const fit = fitOf(
      {
        position,
        hasRows: await request.state.holdsRows(storeName),
        isStale: isBehind && (await this.#isStale(changelog, request.state)),
        refilling: changelog.refilling,
        isWhole: request.isWhole(),
      },
      { ...bound, isMarked, expires: options?.cleanupPolicy.includes('delete') === true },
    )
    if (!isSource || fit.kind === 'replay' || fit.kind === 'rebuild') return fit
    return isSame ? fromBeginning : { kind: 'rebuild', why: fit.why }
  }

  /** The fit with lost records given up, where the setting accepts that. */
  #accepted(fit: Fit): Fit {
    return fit.kind === 'lost' && this.#options.settings.changelogLost === 'accept'
      ? { kind: 'rebuild', why: fit.why }
      : fit
  }

  /**
   * Whether state is older than half of the time that the topic keeps deletions: half, since it lay there for
   * some time before, too. State without a date is of any age.
   */
  async #isStale(changelog: Changelog, state: StateManager): Promise<boolean> {
    const usedAtMs = state.usedAtMs
    if (usedAtMs === undefined) return true
    const { topic, options } = changelog
    const configured = Number(options?.config[RETENTION] ?? DAY_MS)
    const retentionMs = (await this.#retentionOf(topic, configured)) ?? configured
    return this.#options.clock.nowMs() - usedAtMs > retentionMs / 2
  }

  async #idsOf(topics: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
    const fresh = topics.filter(topic => !this.#ids.has(topic))
    const described = fresh.length > 0 ? this.#options.admin.describeTopics(fresh) : undefined
    for (const topic of fresh) {
      const asked = described!.then(found => found.get(topic)?.topicId)
      // An answer is only for those who wait for it: a topic may be made anew at any time.
      this.#ids.set(
        topic,
        asked.finally(() => this.#ids.delete(topic)),
      )
    }
    const found = topics.map(async topic => [topic, await this.#ids.get(topic)] as const)
    return new Map(await Promise.all(found))
  }

  #retentionOf(topic: string, configured: number): Promise<number | undefined> {
    let asked = this.#retentions.get(topic)
    if (!asked) this.#retentions.set(topic, (asked = this.#askRetention(topic, configured)))
    return asked
  }

  async #askRetention(topic: string, configured: number): Promise<number | undefined> {
    const { admin, logger } = this.#options
    const settings = await admin.topicSettings([topic], [RETENTION]).catch((error: unknown) => {
      if (error instanceof BrokerError && error.code === 'UNSUPPORTED_VERSION')
        return new Map<string, never>()
      this.#retentions.delete(topic)
      throw error
    })
    const value = settings.get(topic)?.get(RETENTION)
    if (value !== undefined) return Number(value)
    logger.log(
      'warn',
      `${RETENTION} of topic ${topic} cannot be read (it takes the right to describe its settings); ${configured} is assumed`,
    )
    return undefined
  }

  #tell(fit: Fit, { topic, storeName }: Changelog, { partition, taskId }: RestoreRequest): void {
    const { logger } = this.#options
    const key = partitionKey(topic, partition)
    const store = `store "${storeName}" of task ${taskId}`
    if (fit.kind === 'rebuild')
      logger.log('warn', `${store} is removed and rebuilt from its changelog ${key}: ${fit.why}`)
    else if (fit.kind === 'refill')
      logger.log(
        'warn',
        `the changelog ${key} has lost its records (${fit.why}); it is filled again from ${store}`,
      )
    else logger.log('debug', 'restore planned', { store: storeName, changelog: key, ...fit })
  }
}

export function lostError(
  { topic, storeName }: Pick<Changelog, 'topic' | 'storeName'>,
  { partition, taskId }: Pick<RestoreRequest, 'partition' | 'taskId'>,
  why: string,
): StreamsError {
  return new StreamsError(
    'CHANGELOG_LOST',
    `the changelog ${partitionKey(topic, partition)} of store "${storeName}" has lost its records (${why}), and the state of task ${taskId} on ` +
      'this disk is absent, or not what the committed offsets say, so that it cannot be filled again from there. Start a process that has that state; ' +
      'or reset the application: delete its internal topics, set its committed offsets back and remove its state directory (cleanUp()); or set ' +
      "changelogLost: 'accept' to go on with what the topic holds now, such as a backup that you have put in place",
  )
}
