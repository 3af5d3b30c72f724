import type { Admin, Broker, Consumer, RawRecord, RecordBatch } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import type { Clock } from '../../common/clock.ts'
import { errorFrom, StreamsError, TaskCorruptedError } from '../../common/errors/errors.ts'
import { partitionKey, type TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import { METRIC_GROUPS, type Metrics } from '../../common/metrics/metrics.ts'
import { Semaphore } from '../../common/semaphore.ts'
import { isolationOf } from '../plan/isolation.ts'
import { RestorePlanner, type Refill, type ReplayPlan, type RestoreRequest } from './restore-plan.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { ThreadMetrics } from '../metrics/thread-metrics.ts'

export interface RestorerOptions {
  readonly broker: Broker
  readonly admin: Admin
  readonly settings: RuntimeSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** Metrics of the restorer's thread. */
  readonly threadMetrics?: ThreadMetrics
  readonly clientId: string
}

interface Replay extends ReplayPlan {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** Resolves when the last batch is in the engine. A store has one on its way at a time. */
  written: Promise<void>
  /** Batches that are not in the engine yet. */
  waiting: number
  /** Whether all records have come; later ones in the topic are not needed. */
  isRead: boolean
}

interface Fetched {
  readonly records: readonly RawRecord[]
  readonly nextOffset: number
}

/** Records per poll: so few that they are gone before the garbage collector has to copy them. */
const POLL_RECORDS = 2_000
/**
 * Polls that engines may be writing while the next records are read: the bound on the memory of a restore.
 */
const POLLS_WRITING_MAX = 4
/** Records from which on an engine is prepared for them, which costs some milliseconds before and after. */
const BULK_RECORDS = 100_000
/**
 * Bulk restores at a time: their engines use more memory meanwhile, and with few at a time the first task is
 * in service sooner.
 */
const BULKS_AT_ONCE = 3
/** Bulk restores at a time, including those whose last writes are still being sorted. */
const BULKS_OPEN = 2 * BULKS_AT_ONCE
const POLL_WAIT_MS = 100
const PROGRESS_MS = 5000

/**
 * Replays changelogs into stores, beside the thread's running tasks: with a consumer of its own and outside
 * any transaction. A replay ends at the high watermark that was seen *after* the committed offsets were read:
 * at the last stable offset a decided transaction whose marker is still to come would be missed
 * (KAFKA-10167).
 */
export class Restorer {
  readonly #options: RestorerOptions
  readonly #planner: RestorePlanner
  readonly #replays = new Map<string, Replay>()
  readonly #bulks = new Semaphore(BULKS_OPEN)
  readonly #bulkReads = new Semaphore(BULKS_AT_ONCE)
  /** Polls whose batches are on their way into the engines, oldest first. */
  readonly #writing: Promise<unknown>[] = []
  #consumer: Consumer | undefined
  #loop: Promise<void> | undefined
  #closed = false

  constructor(options: RestorerOptions) {
    this.#options = options
    this.#planner = new RestorePlanner(options)
  }

  /**
   * Resolves when all stores of the task have their committed state, and returns those whose changelogs have
   * to be filled from them instead. Rejects when the signal aborts, with an error of the replay, and as
   * `RestorePlanner.plan`.
   */
  async restore(request: RestoreRequest): Promise<readonly Refill[]> {
    const { replays, refills, positions } = await this.#planner.plan(request)
    this.#watch(request)
    let onDisk = 0
    for (const { persistent, startOffset, endOffset } of replays)
      if (persistent) onDisk += endOffset - startOffset
    if (onDisk < BULK_RECORDS) await this.#replay(replays)
    else await this.#replayBulk(replays, request)
    await request.state.restored(positions, this.#options.clock.nowMs())
    return refills
  }

  async #replayBulk(replays: readonly ReplayPlan[], { state, signal }: RestoreRequest): Promise<void> {
    await this.#bulks.take(signal, async () => {
      await this.#bulkReads.take(signal, async () => {
        await state.prepareFor('bulk')
        await this.#replay(replays)
      })
      // The next restore is read already: sorting the last writes keeps one thread busy, and would keep it
      // waiting.
      await state.prepareFor('steady')
    })
  }

  #watch({ taskId }: RestoreRequest): void {
    const { metrics } = this.#options
    metrics.meter('restore', { 'task-id': taskId }, METRIC_GROUPS.task)
    const left = () => this.#remaining(taskId)
    metrics.gauge('restore-remaining-records-total', { 'task-id': taskId }, left, METRIC_GROUPS.task)
  }

  /** Records still to be replayed into a task's stores. */
  #remaining(taskId: TaskId): number {
    let offsets = 0
    for (const replay of this.#replays.values()) {
      if (replay.request.taskId !== taskId || replay.isRead) continue
      offsets += replay.endOffset - (this.#consumer?.position(replay) ?? replay.startOffset)
    }
    return Math.max(0, offsets)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const replay of this.#replays.values()) this.#end(replay, aborted('restore was ended'))
    await this.#loop
    await this.#consumer?.close()
  }

  async #replay(plans: readonly ReplayPlan[]): Promise<void> {
    await Promise.all(
      plans.map(
        plan =>
          new Promise<void>((resolve, reject) => {
            this.#start({ ...plan, resolve, reject, written: Promise.resolve(), waiting: 0, isRead: false })
          }),
      ),
    )
  }

  #start(replay: Replay): void {
    if (this.#closed || replay.request.signal.aborted) {
      replay.reject(aborted('restore was ended'))
      return
    }
    this.#replays.set(partitionKey(replay.topic, replay.partition), replay)
    replay.request.signal.addEventListener('abort', () =>
      this.#end(replay, aborted('the task was taken away while it was restored')),
    )
    // A running loop takes up a replay that is assigned meanwhile.
    this.#consumer?.assign([{ topic: replay.topic, partition: replay.partition, offset: replay.startOffset }])
    this.#loop ??= this.#run()
  }

  #end(replay: Replay, error?: Error): void {
    const key = partitionKey(replay.topic, replay.partition)
    if (this.#replays.get(key) !== replay) return
    this.#replays.delete(key)
    if (!replay.isRead) this.#consumer?.unassign([replay])
    if (error) replay.reject(error)
    else replay.resolve()
  }

  /** Ends a task's restore with the error of one of its stores: its engine will be closed. */
  #endTask(request: RestoreRequest, error: Error): void {
    for (const replay of this.#replays.values()) if (replay.request === request) this.#end(replay, error)
  }

  async #run(): Promise<void> {
    try {
      const consumer = this.#consumer ?? (await this.#openConsumer())
      let reportedMs = this.#options.clock.monotonicMs()
      while (this.#replays.size > 0) {
        await this.#step(consumer)
        const nowMs = this.#options.clock.monotonicMs()
        if (nowMs - reportedMs < PROGRESS_MS) continue
        reportedMs = nowMs
        this.#report(consumer)
      }
    } catch (reason) {
      for (const replay of this.#replays.values()) this.#end(replay, errorFrom(reason))
      // Writes still under way belong to restores that have ended.
      this.#writing.length = 0
    } finally {
      // The loop ends in the same turn as its last look at the replays: a later one starts another loop.
      this.#loop = undefined
    }
  }

  async #openConsumer(): Promise<Consumer> {
    const { broker, clientId, settings } = this.#options
    const isolation = isolationOf(settings)
    const consumer = await broker.consumer({ clientId, isolation })
    // The consumer is set before any wait: a replay that starts from now on assigns itself.
    this.#consumer = consumer
    consumer.assign(
      Array.from(this.#replays.values(), ({ topic, partition, startOffset }) => ({
        topic,
        partition,
        offset: startOffset,
      })),
    )
    return consumer
  }

  /** Reads on while the engines write, so that neither waits for the other. */
  async #step(consumer: Consumer): Promise<void> {
    const fetched = this.#poll(consumer)
    if (fetched.size > 0) this.#writing.push(this.#applyAll(fetched))
    const isFull = this.#writing.length >= POLLS_WRITING_MAX
    if (isFull || fetched.size === 0) await this.#writing.shift()
    for (const replay of this.#replays.values()) {
      if (!replay.isRead && (consumer.position(replay) ?? 0) >= replay.endOffset) {
        replay.isRead = true
        consumer.unassign([replay])
      }
      if (replay.isRead && replay.waiting === 0) this.#end(replay)
    }
    const isIdle = fetched.size === 0 && this.#writing.length === 0
    if (isIdle && this.#replays.size > 0) await consumer.ready(POLL_WAIT_MS)
  }

  #poll(consumer: Consumer): Map<string, Fetched> {
    const fetched = new Map<string, Fetched>()
    for (const { topic, partition, records, nextOffset } of this.#polled(consumer)) {
      const key = partitionKey(topic, partition)
      const before = fetched.get(key)
      fetched.set(key, { records: before ? [...before.records, ...records] : records, nextOffset })
    }
    return fetched
  }

  /** Polls. An error that names partitions ends only the restores of their tasks. */
  #polled(consumer: Consumer): readonly RecordBatch[] {
    try {
      return consumer.poll(POLL_RECORDS)
    } catch (error) {
      if (!(error instanceof BrokerError && error.partitions.length > 0)) throw error
      for (const { topic, partition } of error.partitions) {
        const replay = this.#replays.get(partitionKey(topic, partition))
        if (replay) this.#endTask(replay.request, ofTask(replay, error))
      }
      return []
    }
  }

  #applyAll(fetched: ReadonlyMap<string, Fetched>): Promise<unknown> {
    return Promise.all(Array.from(fetched, ([key, batch]) => this.#apply(key, batch)))
  }

  async #apply(key: string, batch: Fetched): Promise<void> {
    const replay = this.#replays.get(key)
    if (!replay) return
    replay.waiting += 1
    const isCurrent = () => this.#replays.get(key) === replay
    replay.written = replay.written.then(() => (isCurrent() ? this.#write(replay, batch) : undefined))
    try {
      await replay.written
    } catch (error) {
      // An error in the engine of a task that was taken away is ignored.
      if (isCurrent()) this.#endTask(replay.request, errorFrom(error))
    } finally {
      replay.waiting -= 1
    }
  }

  #write({ request, storeName, topic, endOffset }: Replay, { records, nextOffset }: Fetched): Promise<void> {
    const { metrics, threadMetrics } = this.#options
    metrics.meter('restore', { 'task-id': request.taskId }, METRIC_GROUPS.task).add(records.length)
    threadMetrics?.restoredRecords.add(records.length)
    threadMetrics?.restoreCalls.add()
    // Records behind the committed offset of a source topic are still to be processed.
    const wanted = nextOffset > endOffset ? records.filter(({ offset }) => offset < endOffset) : records
    const usedAtMs = this.#options.clock.nowMs()
    return request.state.restore(storeName, wanted, {
      topic,
      offset: Math.min(nextOffset, endOffset),
      usedAtMs,
    })
  }

  #report(consumer: Consumer): void {
    for (const replay of this.#replays.values()) {
      const { storeName, request, startOffset, endOffset, isRead } = replay
      const position = isRead ? endOffset : (consumer.position(replay) ?? startOffset)
      const done = (position - startOffset) / Math.max(1, endOffset - startOffset)
      this.#options.logger.log('info', `restoring store "${storeName}" of task ${request.taskId}`, {
        percent: Math.floor(done * 100),
        endOffset,
      })
    }
  }
}

function aborted(why: string): StreamsError {
  return new StreamsError('RESTORE_ABORTED', why)
}

/**
 * The error for a replay's task. Where the changelog has moved on under it, only a replay from the beginning
 * has everything.
 */
function ofTask({ request, storeName, topic, partition }: Replay, error: BrokerError): Error {
  if (error.code !== 'OFFSET_OUT_OF_RANGE') return error
  return new TaskCorruptedError(
    `store "${storeName}" of task ${request.taskId} cannot be restored from ${partitionKey(topic, partition)} where it was: ` +
      error.message,
    { cause: error },
  )
}
