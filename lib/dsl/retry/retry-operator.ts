import { present } from '../../common/assert.ts'
import type { Clock, Timer } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { RecordContext } from '../../common/record-context.ts'
import {
  deferringContext,
  type DeferredWork,
  type DeferringContext,
  type WaitingRecord,
} from '../../processor/deferred-work.ts'
import { runOf, type LetterReason, type LetterRecord } from '../../processor/letter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { PendingStore } from '../../store/operator/pending-store.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import { synchronous } from '../kit/synchronous.ts'
import type { RetryPolicy } from '../options/retry-options.ts'
import { AsyncCalls } from '../calls/async-calls.ts'
import { CallSurroundings } from '../calls/call-surroundings.ts'
import { AsyncInputs } from '../calls/async-inputs.ts'
import type { AsyncOperatorSettings, AsyncWork } from '../calls/async-work.ts'
import { decodeAttempt, NOTHING_KNOWN, type Attempted, type FailedCalls } from './attempt-format.ts'
import { Circuit } from './circuit.ts'
import { ClosedLanes } from './closed-lanes.ts'
import { CrashGuard, InterruptedError } from './crash-guard.ts'
import type { AsyncInput } from '../calls/input-format.ts'
import { RetryControl } from './retry-control.ts'
import { replayedInput, replayTopic } from './replay-source.ts'
import { RetryCall } from './retry-call.ts'
import { BehindError, RetryLetters } from './retry-letters.ts'
import { RetryQueue } from './retry-queue.ts'
import { failedBy, RetryVerdicts, type Verdict } from './retry-verdicts.ts'
import { UnreadableInputError } from './unreadable-input-error.ts'

export interface RetryOperatorSettings extends AsyncOperatorSettings {
  readonly policy: RetryPolicy
}

/** A timer is set anew at least so often, so that a wall clock that was set is noticed. */
const LOOK_MS_MAX = 60_000
const ONE_LANE = ''

/**
 * The node behind an asynchronous operator with `retry`. An input is in the pending store from its arrival
 * until its output, or its dead letter, is in the open transaction: output, parked or letter, one of them, is
 * committed together with the input's offset. An abort, or a crash, goes back to what was parked at the last
 * commit, and calls again with the same idempotency key.
 *
 * Order of a failure, on the task's synchronous path: the policy decides; then the store has the input with
 * one more attempt, or no more and the letter is sent. Times are those of the wall clock, since they outlive
 * the process: set forward, calls come early; set back, they wait.
 */
export class RetryOperator<K, V, R, KR, VR> implements Processor<K, V, KR, VR>, DeferredWork {
  readonly #settings: RetryOperatorSettings
  readonly #work: AsyncWork<K, V, R, KR, VR>
  readonly #queue = new RetryQueue<RetryCall<K, V, R>>()
  readonly #running = new Set<RetryCall<K, V, R>>()
  readonly #circuit: Circuit
  readonly #verdicts: RetryVerdicts
  #context!: ProcessorContext<KR, VR>
  #deferring!: DeferringContext<KR, VR>
  #clock!: Clock
  #store!: PendingStore
  #inputs!: AsyncInputs<K, V>
  #calls: AsyncCalls<K, V, R> | undefined
  #guard!: CrashGuard
  /** While it is called. */
  #suspect: RetryCall<K, V, R> | undefined
  #isLeaving = false
  #letters!: RetryLetters
  #closed!: ClosedLanes
  #control!: RetryControl<RetryCall<K, V, R>>
  #replayTopic!: string
  #dropped!: Counter
  #wake!: () => void
  #timer: Timer | undefined
  #timerDueMs = Infinity

  constructor(settings: RetryOperatorSettings, work: AsyncWork<K, V, R, KR, VR>) {
    this.#settings = settings
    this.#work = work
    this.#circuit = new Circuit(settings.policy.circuit)
    this.#verdicts = new RetryVerdicts(settings.nodeName, settings.policy, this.#circuit)
  }

  /** What people have said, and is still to be looked at, is work, too. */
  get size(): number {
    return this.#active + Number(this.#control.isPending)
  }

  get parked(): number {
    return this.#queue.waiting + this.#queue.active - this.#active
  }

  /** During an outage what is ready waits, too. */
  get #active(): number {
    return this.#circuit.isOpen ? this.#queue.active - this.#queue.ready : this.#queue.active
  }

  get hasRoom(): boolean {
    const { limits, policy } = this.#settings
    const { active, waiting, bytes } = this.#queue
    if (policy.order === 'partition') return active + waiting < limits.concurrency
    return this.size < limits.concurrency && this.parked < policy.parkedMax && bytes < policy.parkedBytesMax
  }

  get isReady(): boolean {
    return this.#control.isPending || this.#queue.ended !== undefined
  }

  /** What people say comes first, and has no outputs. */
  get forwardsNothing(): boolean {
    return this.#control.isPending
  }

  get nextContext(): RecordContext {
    if (this.#control.isPending) return this.#control.nextContext
    return present(this.#queue.ended, 'call that has ended').input.context
  }

  init(context: ProcessorContext<KR, VR>): void {
    const { nodeName, storeName, keySerde, valueSerde, limits } = this.#settings
    this.#context = context
    this.#deferring = deferringContext(context)
    this.#clock = this.#deferring.clock
    this.#store = context.getStateStore(storeName)
    const { changelogTopic } = this.#store
    this.#inputs = new AsyncInputs({ nodeName, keySerde, valueSerde, changelogTopic }, context)
    synchronous(this.#work.init?.(context), { callback: 'init of processAsync', node: nodeName })
    this.#wake = this.#deferring.defer(this)
    const tags = { 'task-id': context.taskId, node: nodeName }
    this.#calls = new AsyncCalls<K, V, R>({
      timeoutMs: limits.timeoutMs,
      clock: this.#clock,
      metrics: context.metrics,
      tags,
      surroundings: new CallSurroundings(this.#deferring, nodeName),
      call: (input, about) => this.#read(input as RetryCall<K, V, R>, () => this.#work.call(input, about)),
      ended: call => this.#ended(call as RetryCall<K, V, R>),
    })
    this.#measure(tags)
    this.#letters = new RetryLetters(nodeName, this.#deferring)
    this.#replayTopic = `${context.applicationId}-${replayTopic(nodeName)}`
    this.#dropped = droppedRecords(context)
    this.#control = new RetryControl({
      operator: nodeName,
      context: this.#deferring,
      queue: this.#queue,
      wake: this.#wake,
      lanesAreKeys: this.#settings.policy.order === 'key',
    })
    this.#takeUp()
  }

  process(record: Record<K, V>): void {
    const context = this.#context.recordContext()
    if (context.topic === this.#replayTopic) return this.#replay(record as unknown as LetterRecord, context)
    const call = this.#newCall(this.#inputs.inputOf(record, context), record)
    if (this.#closed.has(call.lane)) this.#writeBehind(call, undefined)
    else this.#add(call)
  }

  /**
   * A letter that somebody wants processed again joins the end of its lane, as if it came now. It is a letter
   * again at once where one before it was, in this run: they keep their order.
   */
  #replay({ key, value }: Pick<LetterRecord, 'key' | 'value'>, { headers, timestamp }: RecordContext): void {
    const input = replayedInput({ key, value, headers, timestamp })
    if (!input) {
      this.#dropped.add()
      const { logger } = this.#context
      return logger.log('warn', `a record in ${this.#replayTopic} is no dead letter, and is dropped`)
    }
    const call = this.#newCall(input, undefined, { ...NOTHING_KNOWN, run: runOf(headers) })
    if (this.#closed.has(call.lane, call.run)) return this.#writeBehind(call, undefined)
    this.#closed.open(call.lane)
    this.#add(call)
  }

  #add(call: RetryCall<K, V, R>): void {
    call.isSuspect = this.#guard.suspectsNew()
    call.sequence = this.#store.add(call)
    this.#queue.add(call)
    this.#callReady()
  }

  applyNext(): void {
    if (this.#control.isPending) return this.#applyControl()
    const call = this.#takeEnded()
    const outcome = present(call.outcome, 'outcome of an ended call')
    call.outcome = undefined
    if ('failure' in outcome) this.#decide(call, errorFrom(outcome.failure))
    else this.#succeed(call, outcome.result)
  }

  dropNext(): void {
    const call = this.#takeEnded()
    this.#circuit.passed(call.isProbe)
    this.#leave(call)
  }

  #takeEnded(): RetryCall<K, V, R> {
    const call = present(this.#queue.takeEnded(), 'call that has ended')
    if (call.isSuspect) this.#guard.passed()
    call.isSuspect = false
    call.interruptions = 0
    return call
  }

  /** A record that becomes a letter leaves those behind it to be called. */
  #applyControl(): void {
    const taken = this.#control.take()
    if (taken) {
      const { call, reason } = taken
      if (call.isSuspect) this.#guard.passed()
      const error = this.#control.errorFor(call)
      const failed = call.failed ?? failedBy(call, error, this.#clock.nowMs(), 0)
      this.#letters.write(call, reason, failed, call.failed ? {} : error)
      this.#control.gaveUp(call, reason)
      this.#store.remove(call.sequence, call.timestamp)
    }
    this.#callReady()
  }

  *waitingRecords(): Generator<WaitingRecord> {
    const { nodeName: operator } = this.#settings
    const { taskId } = this.#context
    for (const call of this.#queue.waitingItems()) {
      const { letterId: id, place, failed, dueMs } = call
      yield {
        operator,
        taskId,
        id,
        key: this.#inputs.keyOf(call.input),
        state: place === 'held' ? 'paused' : place === 'behind' || place === 'parked' ? place : 'ready',
        attempts: failed?.attempts ?? 0,
        dueMs: place === 'parked' ? dueMs : undefined,
        firstFailedMs: failed?.firstFailedMs,
        lastError: failed?.lastError,
      }
    }
  }

  prepareClose(): void {
    this.#isLeaving = true
    this.#guard.leave()
    // There may be nothing else to commit.
    this.#context.commit()
  }

  close(): void {
    this.#isLeaving = true
    this.#timer?.cancel()
    this.#control?.close()
    this.#calls?.abandon(this.#running)
    this.#work.close?.()
  }

  #measure(tags: { readonly 'task-id': string; readonly node: string }): void {
    const { metrics } = this.#context
    const { own } = METRIC_GROUPS
    metrics.gauge('async-calls-in-flight', tags, () => this.#running.size, own)
    metrics.gauge('retry-parked-records', tags, () => this.#queue.waiting, own)
    metrics.gauge('retry-paused-records', tags, () => this.#queue.held, own)
    metrics.gauge('retry-circuit-open', tags, () => Number(this.#circuit.isOpen), own)
  }

  /**
   * What waited at the last commit. All of it is looked at before the first call is made: a store that cannot
   * be read ends the start.
   */
  #takeUp(): void {
    this.#closed = new ClosedLanes(this.#store)
    const found = this.#store
      .takeFound()
      .filter(({ sequence, bytes }) => !this.#closed.takeFound(sequence, bytes))
    const calls = found.map(({ sequence, bytes }) => {
      const attempted = decodeAttempt(bytes)
      const call = this.#newCall(attempted.input, undefined, attempted)
      call.sequence = sequence
      return { call, bytes }
    })
    for (const { call, bytes } of calls) {
      this.#queue.add(call, { parked: call.failed !== undefined })
      call.keepOnly(bytes)
    }
    const suspects = mayHaveRun(
      calls.map(({ call }) => call),
      this.#clock.nowMs(),
    )
    this.#guard = new CrashGuard(this.#store, {
      openMax: this.#settings.limits.concurrency,
      found: suspects.length,
      requestCommit: () => {
        this.#context.commit()
        this.#wake()
      },
    })
    for (const call of suspects) call.isSuspect = this.#guard.isSuspicious
    this.#callReady()
  }

  #newCall(
    input: AsyncInput,
    record: { readonly key: K; readonly value: V } | undefined,
    known: Omit<Attempted, 'input'> = NOTHING_KNOWN,
  ): RetryCall<K, V, R> {
    return new RetryCall(input, record, this.#laneOf(input), known)
  }

  #laneOf(input: AsyncInput): string | undefined {
    const { order } = this.#settings.policy
    if (order === 'partition') return ONE_LANE
    return order === 'key' ? this.#inputs.laneOf(input) : undefined
  }

  /** An input that cannot be read any more is the end of its calls, and not of the task. */
  #read(input: RetryCall<K, V, R>, call: () => PromiseLike<R>): PromiseLike<R> {
    return input.record
      ? call()
      : this.#inputs.callWith(input, call, error => new UnreadableInputError(error))
  }

  /** Starts what may run, and sets the clock for what may not yet. */
  readonly #callReady = (): void => {
    if (this.#isLeaving) return
    if (this.#queue.parked > 0) this.#queue.wake(this.#clock.nowMs())
    this.#control.holdReady()
    if (this.#queue.hasReady && this.#guard.mayCall(this.#callSoon)) {
      while (this.#mayCallNext()) {
        const call = present(this.#queue.takeReady(), 'call that is ready')
        this.#running.add(call)
        if (call.isSuspect) this.#callSuspect(call)
        else this.#start(call)
      }
    }
    this.#setTimer()
  }

  /** Not in the midst of a commit, which calls it. */
  readonly #callSoon = (): void => {
    void Promise.resolve().then(this.#callReady)
  }

  /** A suspect is called when nothing else is, and nothing else while it is. */
  #mayCallNext(): boolean {
    this.#control.holdReady()
    const next = this.#queue.nextReady
    if (!next || this.#suspect) return false
    const runningMax = next.isSuspect ? 1 : this.#settings.limits.concurrency
    return this.#running.size < runningMax && this.#circuit.allows(this.#clock)
  }

  #start(call: RetryCall<K, V, R>): void {
    call.isProbe = this.#circuit.called()
    this.#calls?.start(call)
  }

  #callSuspect(call: RetryCall<K, V, R>): void {
    const decision = this.#guard.decide(call)
    if (decision === 'give-up') {
      call.outcome = { failure: new InterruptedError(call.interruptions) }
      return this.#ended(call)
    }
    if (decision === 'delay') {
      call.isDelayed = true
      this.#running.delete(call)
      const { backoff } = this.#settings.policy
      this.#queue.delay(call, this.#clock.nowMs() + backoff.delayMs(call.interruptions, call.letterId))
      return
    }
    call.interruptions += 1
    this.#suspect = call
    this.#guard.countFirst(
      () => this.#store.update(call.sequence, call),
      () => void Promise.resolve().then(() => this.#isLeaving || this.#start(call)),
    )
  }

  #ended(call: RetryCall<K, V, R>): void {
    this.#running.delete(call)
    if (this.#suspect === call) this.#suspect = undefined
    this.#queue.end(call)
    this.#wake()
  }

  #succeed(call: RetryCall<K, V, R>, result: R): void {
    this.#circuit.succeeded()
    this.#control.succeeded(call)
    this.#leave(call)
    this.#work.apply(call, result, this.#context)
  }

  /** Its output, or its letter, is part of the open epoch: the next of its lane is called. */
  #leave(call: RetryCall<K, V, R>): void {
    this.#store.remove(call.sequence, call.timestamp)
    this.#queue.done(call)
    this.#callReady()
  }

  /** Where user code cannot decide, the record has failed, and the handler of errors decides. */
  #decide(call: RetryCall<K, V, R>, error: Error): void {
    let verdict: Verdict
    try {
      verdict = this.#verdicts.of(call, error, this.#clock.nowMs())
    } catch (undecided) {
      this.#leave(call)
      throw undecided
    }
    const { failed } = verdict
    const said = this.#control.reasonOfFailed(call)
    const reason = said === 'skipped' ? said : (verdict.reason ?? said)
    if (reason === undefined) this.#park(call, failed)
    else this.#giveUp(call, reason, failed, error)
  }

  #park(call: RetryCall<K, V, R>, failed: FailedCalls): void {
    call.failed = failed
    this.#queue.park(call, failed.dueMs)
    this.#store.update(call.sequence, call)
    this.#callReady()
  }

  #giveUp(call: RetryCall<K, V, R>, reason: LetterReason, failed: FailedCalls, error: Error): void {
    this.#letters.write(call, reason, failed, error)
    this.#control.gaveUp(call, reason)
    const isSaid = reason === 'skipped' || reason === 'ignored'
    if (this.#settings.policy.onGiveUp === 'key' && !isSaid) this.#closeLane(call)
    this.#leave(call)
  }

  /** The records behind it go with it, in order; what comes of its key later does, too. */
  #closeLane(call: RetryCall<K, V, R>): void {
    if (call.lane === undefined) return
    for (const follower of this.#queue.takeBehind(call.lane)) {
      if (follower.isSuspect) this.#guard.passed()
      this.#store.remove(follower.sequence, follower.timestamp)
      this.#writeBehind(follower, call.letterId)
    }
    this.#closed.close(call.lane, call)
  }

  #writeBehind(call: RetryCall<K, V, R>, letterId: string | undefined): void {
    const error = new BehindError(letterId)
    this.#letters.write(call, 'behind', failedBy(call, error, this.#clock.nowMs(), 0), error)
  }

  #setTimer(): void {
    const dueMs = this.#nextMs()
    if (dueMs === this.#timerDueMs) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerDueMs = dueMs
    if (dueMs === Infinity) return
    const delayMs = Math.min(Math.max(0, dueMs - this.#clock.nowMs()), LOOK_MS_MAX)
    this.#timer = this.#clock.schedule(delayMs, () => this.#timeCame(), { keepsAlive: false })
  }

  /** When something may be called that may not now. */
  #nextMs(): number {
    const probeMs = this.#queue.hasReady ? this.#circuit.nextCallMs : Infinity
    const isFull = this.#running.size >= this.#settings.limits.concurrency
    return isFull ? Infinity : Math.min(this.#queue.nextDueMs, probeMs)
  }

  #timeCame(): void {
    this.#timer = undefined
    this.#timerDueMs = Infinity
    this.#callReady()
  }
}

/** Which of the calls that were found, in their order, may have been under way when their process ended. */
function mayHaveRun<C extends RetryCall>(calls: readonly C[], nowMs: number): C[] {
  const waitingLanes = new Set<string>()
  return calls.filter(({ place, lane, dueMs }) => {
    const waits = place === 'parked' && dueMs > nowMs
    if (waits && lane !== undefined) waitingLanes.add(lane)
    return !waits && !(place === 'behind' && lane !== undefined && waitingLanes.has(lane))
  })
}
