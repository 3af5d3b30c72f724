import type { Consumer, OffsetToCommit, Producer } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import type { Clock } from '../../common/clock.ts'
import type { StreamsProducer } from '../nodes/streams-producer.ts'
import type { StreamTask } from '../task/stream-task.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import { usedAtWrite } from '../state/task-engines.ts'

/** The steps of a commit, as a probe sees them: each name says what has just been done. */
export type CommitStep = 'prepared' | 'offsets-sent' | 'committed' | 'staged' | 'written'

/** Called between the steps; only tests set one, to end the process there. */
export type CommitProbe = (step: CommitStep) => void

export interface CommitOptions {
  readonly producer: Producer
  readonly output: StreamsProducer
  readonly consumer: Consumer
  readonly settings: RuntimeSettings
  readonly clock: Clock
  readonly probe: CommitProbe | undefined
  /**
   * Sends what waits for its topic to be looked up: caches forward as they are flushed, and these outputs
   * belong to this commit.
   */
  readonly settleOutputs: (tasks: readonly StreamTask[]) => Promise<void>
  /**
   * Changelog positions by topic, learned while this epoch was open: asked for when it is sealed, before the
   * next one writes.
   */
  readonly positionsOf: (task: StreamTask) => ReadonlyMap<string, number>
  /** Called when the epoch is sealed: further changes belong to the next one. */
  readonly onSealed: () => void
  /**
   * Called when the epoch is committed. `shown` (undefined: now) resolves when reads show what is committed,
   * or never will; listeners are told of changes then.
   */
  readonly onCommitted: (shown?: Promise<unknown>) => void
  /** Called when no commit is under way any more, whether it succeeded or not. */
  readonly onEnded: () => void
}

/** Pause before a commit is repeated that the broker could not take yet. */
const RETRY_MS = 50

/** The offsets and positions of a task that an epoch commits. */
interface Sealed {
  readonly offsets: readonly OffsetToCommit[]
  readonly positions: ReadonlyMap<string, number>
}

type Epoch = ReadonlyMap<StreamTask, Sealed>

/**
 * Ends one epoch of a thread: what its tasks sent, their state and their offsets become true together
 * (exactly-once) or in an order that repeats rather than loses (at-least-once). Whatever fails here means
 * that nothing was applied to any engine.
 *
 * Processing goes on while the broker commits: `start` is over when the epoch is sealed. The next epoch's
 * state is in the stores' buffers; its records wait in the output, under exactly-once for the next
 * transaction, else for the flush of those before them. Where the commit fails, both epochs are taken back.
 */
export class Commit {
  readonly #options: CommitOptions
  #underWay: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  readonly #givenUp = new AbortController()

  constructor(options: CommitOptions) {
    this.#options = options
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined
  }

  /** Throws the failure of the last commit. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error
  }

  /** Resolves when no commit is under way. Throws the failure of the last one. */
  async settled(): Promise<void> {
    await this.#underWay
    this.throwIfFailed()
  }

  /** Stops repeating calls; one under way is waited for. */
  giveUp(): void {
    this.#givenUp.abort()
  }

  /** Forgets the failure, and drops the outputs of both epochs. Only called when no commit is under way. */
  forget(): void {
    this.#failure = undefined
    this.#options.output.drop()
  }

  /** Starts a commit; returns false where there is nothing to commit. `all`: every offset, moved or not. */
  async start(tasks: readonly StreamTask[], { all }: { readonly all: boolean }): Promise<boolean> {
    await this.settled()
    const { settings, probe, output, onSealed, positionsOf } = this.#options
    const withEffects = tasks.filter(task => task.prepareCommit() || all)
    if (withEffects.length === 0) return false
    await this.#options.settleOutputs(withEffects)
    const epoch: Epoch = new Map(
      withEffects.map(task => [
        task,
        { offsets: task.offsetsToCommit({ all }), positions: positionsOf(task) },
      ]),
    )
    for (const task of withEffects) task.endEpoch()
    onSealed()
    probe?.('prepared')
    output.hold()
    const isExactlyOnce = settings.processingGuarantee === 'exactly-once'
    this.#underWay = (isExactlyOnce ? this.#transaction(epoch) : this.#flush(epoch))
      .catch((error: unknown) => {
        this.#failure = { error }
      })
      .finally(() => {
        this.#underWay = undefined
        this.#options.onEnded()
      })
    // Changes that these tasks make during the flush would count as flushed with it.
    if (!isExactlyOnce && withEffects.some(task => task.state.waitsForFlush)) await this.settled()
    return true
  }

  async #flush(epoch: Epoch): Promise<void> {
    const { producer, output, consumer, onCommitted } = this.#options
    await producer.flush()
    await this.#flushRest([...epoch.keys()])
    output.release()
    // The engines are written before the offsets: a store without a changelog has its effects nowhere else.
    await this.#makeDurable(epoch)
    await this.#retried(() => consumer.commit(offsetsOf(epoch)))
    for (const [task, { offsets }] of epoch) task.committed(offsets)
    onCommitted()
  }

  /** Sends and flushes changes that must not be safe before the outputs are. */
  async #flushRest(tasks: readonly StreamTask[]): Promise<void> {
    const waiting = tasks.filter(task => task.state.waitsForFlush)
    if (waiting.length === 0) return
    this.#options.output.release()
    for (const task of waiting) task.state.outputsFlushed()
    if (!waiting.some(({ collector }) => collector.hasSent)) return
    await this.#options.producer.flush()
    for (const task of waiting) task.endEpoch()
  }

  async #transaction(epoch: Epoch): Promise<void> {
    const { producer, output, onCommitted } = this.#options
    await this.#commitTransaction(offsetsOf(epoch))
    await this.#makeDurable(epoch)
    for (const [task, { offsets }] of epoch) task.committed(offsets)
    onCommitted(Promise.allSettled([...epoch.keys()].map(({ state }) => state.writing)))
    await producer.begin()
    output.release()
  }

  async #commitTransaction(offsets: readonly OffsetToCommit[]): Promise<void> {
    const { producer, consumer, probe } = this.#options
    if (offsets.length > 0) await this.#retried(() => producer.sendOffsets(offsets, consumer))
    probe?.('offsets-sent')
    await this.#retried(() => producer.commitTransaction())
    probe?.('committed')
  }

  /**
   * Hands the epoch's writes to the engines. Under exactly-once nothing waits for them: reads see them in the
   * stores' buffers, and the next commit waits for them first.
   */
  async #makeDurable(epoch: Epoch): Promise<void> {
    const { clock, probe, settings } = this.#options
    const tasks = [...epoch.keys()]
    await Promise.all(tasks.map(task => task.state.written()))
    const usedAt = usedAtWrite(clock.nowMs())
    for (const [task, { positions, offsets }] of epoch) task.state.startWriting(positions, [usedAt], offsets)
    probe?.('staged')
    if (settings.processingGuarantee === 'exactly-once' && !probe) return
    await Promise.all(tasks.map(task => task.state.written()))
    probe?.('written')
  }

  async #retried(call: () => Promise<void>): Promise<void> {
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + this.#patienceMs
    for (;;) {
      try {
        await call()
        return
      } catch (error) {
        const mayPass = error instanceof BrokerError && error.class === 'retriable'
        if (!mayPass || clock.monotonicMs() > deadlineMs || this.#givenUp.signal.aborted) throw error
        await clock.sleep(RETRY_MS, this.#givenUp.signal)
      }
    }
  }

  /**
   * How long calls are repeated. A transaction that has timed out cannot be committed; a new producer finds
   * out what became of it.
   */
  get #patienceMs(): number {
    const { processingGuarantee, taskTimeoutMs, transactionTimeoutMs } = this.#options.settings
    return processingGuarantee === 'exactly-once'
      ? Math.min(taskTimeoutMs, transactionTimeoutMs)
      : taskTimeoutMs
  }
}

function offsetsOf(epoch: Epoch): OffsetToCommit[] {
  return Array.from(epoch.values(), ({ offsets }) => offsets).flat()
}
