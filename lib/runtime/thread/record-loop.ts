import type { Consumer, TopicPartition } from '../../broker/broker.ts'
import { present } from '../../common/assert.ts'
import type { Clock } from '../../common/clock.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import type { StreamsProducer } from '../nodes/streams-producer.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { FetchLag } from '../task/partition-group.ts'
import type { Refusals } from '../nodes/refusals.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { StreamTask } from '../task/stream-task.ts'
import type { TaskManager } from './task-manager.ts'

/** Time after which the event loop gets its turn, at the latest. */
const SLICE_MS = 5
/** Records of one task before the next task's turn, and before the clock is read. */
const RUN = 100
/**
 * Records per poll: so few that most are gone before the next garbage collection, since records are made when
 * they are polled.
 */
const POLL = 500

export interface RecordLoopOptions {
  readonly consumer: Consumer
  readonly output: StreamsProducer
  readonly tasks: TaskManager
  readonly settings: RuntimeSettings
  readonly clock: Clock
  readonly processed: Counter
  readonly refusals: Refusals
  /** Whether the time of each run of a task is measured, which reads the clock twice. */
  readonly isTimed: boolean
}

/** Inputs of the open epoch and of the one that is being committed. */
export interface SinceCommit {
  readonly inputs: number
  /** The last input; undefined without any. */
  readonly lastInput: RecordContext | undefined
}

/** Two of the four calls of a thread's loop: poll and process. Everything here is synchronous. */
export class RecordLoop {
  readonly #options: RecordLoopOptions
  readonly #paused = new Map<string, TopicPartition>()
  /** Number of records that may still be polled in this turn. */
  #room = 0
  /** Inputs of the open epoch, and of the sealed one. */
  #open = 0
  #sealed = 0
  #lastTask: StreamTask | undefined

  constructor(options: RecordLoopOptions) {
    this.#options = options
  }

  /** Begins a turn: gives some of the fetched records to the tasks. */
  poll(): void {
    this.#room = this.#options.settings.maxPollRecords
    this.#pollSome()
  }

  /**
   * Processes, and polls more, for a slice of time; returns the number of records and of results of
   * asynchronous calls.
   */
  process(): number {
    const { clock, tasks } = this.#options
    const nowMs = clock.monotonicMs()
    const deadlineMs = nowMs + SLICE_MS
    let finished = 0
    for (let more = true; more && clock.monotonicMs() < deadlineMs;) {
      more = false
      for (const task of tasks.running) {
        const done = this.#processRun(task, nowMs)
        const results = this.#applyRun(task)
        this.#options.processed.add(done)
        finished += done + results
        if (done === RUN || results === RUN) more = true
      }
      if (this.#paused.size > 0) this.#resume()
      if (!more && this.#room > 0 && this.#options.output.writable) more = this.#pollSome() > 0
    }
    return finished
  }

  /** Number of records polled since the turn began. */
  get polled(): number {
    return this.#options.settings.maxPollRecords - this.#room
  }

  get sinceCommit(): SinceCommit {
    return { inputs: this.#open + this.#sealed, lastInput: this.#lastTask?.lastInput }
  }

  /** Whether the open epoch has as many inputs as it may have. */
  get isFull(): boolean {
    return this.#open >= this.#options.refusals.recordsMax
  }

  seal(): void {
    this.#sealed += this.#open
    this.#open = 0
  }

  committed(): void {
    this.#sealed = 0
  }

  /** Forgets the inputs of both epochs, which are taken back. */
  backToCommit(): void {
    this.forgetPauses()
    this.#open = 0
    this.#sealed = 0
    this.#lastTask = undefined
  }

  /** Forgets paused partitions: after an abort or a change of assignment none is paused. */
  forgetPauses(): void {
    this.#options.consumer.resume([...this.#paused.values()])
    this.#paused.clear()
  }

  /** Polls once, and pauses partitions whose task has enough. Returns the number of records. */
  #pollSome(): number {
    const { consumer, tasks, settings } = this.#options
    let polled = 0
    for (const batch of consumer.poll(Math.min(this.#room, POLL))) {
      const task = tasks.taskOf(batch)
      const buffered = present(task, `task that reads ${batch.topic}-${batch.partition}`).add(batch)
      if (buffered > settings.bufferedRecordsPerPartition) this.#pause(batch)
      polled += batch.records.length
    }
    this.#room -= polled
    return polled
  }

  #processRun(task: StreamTask, nowMs: number): number {
    if (!this.#mayGoOn(task, nowMs)) return 0
    const most = this.#most()
    const startMs = this.#options.isTimed ? this.#options.clock.monotonicMs() : 0
    task.beginRun()
    let done = 0
    while (done < most && this.#mayGoOn(task, nowMs)) {
      // An input that fails counts, too: it is among those that are taken back.
      this.#open += 1
      this.#lastTask = task
      task.process()
      done += 1
    }
    if (this.#options.isTimed) task.endRun(done, this.#options.clock.monotonicMs() - startMs)
    return done
  }

  #applyRun(task: StreamTask): number {
    if (task.deferredInputs === 0) return 0
    task.beginRun()
    const most = this.#most()
    let done = 0
    while (done < most && this.#mayWrite(task) && this.#applyResult(task)) done += 1
    return done
  }

  #applyResult(task: StreamTask): boolean {
    const last = this.#lastTask
    this.#open += 1
    this.#lastTask = task
    if (task.applyResult()) return true
    this.#open -= 1
    this.#lastTask = last
    return false
  }

  /**
   * Records of a run, at most: epochs are limited to few inputs while a refused changelog record is looked
   * for.
   */
  #most(): number {
    return Math.min(RUN, this.#options.refusals.recordsMax - this.#open - this.#sealed)
  }

  #mayGoOn(task: StreamTask, nowMs: number): boolean {
    return task.isReady(nowMs, this.#lag) && this.#mayWrite(task)
  }

  #mayWrite(task: StreamTask): boolean {
    return this.#options.output.writable && !task.collector.isParking
  }

  readonly #lag: FetchLag = queue => {
    const end = this.#options.consumer.knownEnd(queue)
    const position = this.#options.consumer.position(queue)
    return end === undefined || position === undefined ? undefined : end - position
  }

  #pause({ topic, partition }: TopicPartition): void {
    this.#options.consumer.pause([{ topic, partition }])
    this.#paused.set(partitionKey(topic, partition), { topic, partition })
  }

  #resume(): void {
    const { consumer, tasks, settings } = this.#options
    for (const [key, partition] of this.#paused) {
      const buffered = tasks.taskOf(partition)?.bufferedRecords(partition) ?? 0
      if (buffered > settings.bufferedRecordsPerPartition / 2) continue
      this.#paused.delete(key)
      consumer.resume([partition])
    }
  }
}
