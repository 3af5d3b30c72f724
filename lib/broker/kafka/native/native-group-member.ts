import type { Clock, Timer } from '../../../common/clock.ts'
import { errorFrom } from '../../../common/errors/errors.ts'
import { partitionKey } from '../../../common/ids.ts'
import { BrokerError } from '../../broker-error.ts'
import type { AssignmentListener, GroupOptions, OffsetToCommit, TopicPartition } from '../../broker.ts'
import { checkTimeouts, heartbeatMsMax } from '../../timeout-orders.ts'
import { brokerErrorFrom } from './classify-error.ts'
import { closedError } from '../protocol/protocol-error.ts'
import { asBrokerError } from './native-call.ts'
import { NativeCalls } from './native-calls.ts'
import type { NativeSettings } from '../settings/client-settings.ts'
import type { NativeConsumer, NativeError, NativePartition } from './native-client.ts'
import { PendingCommits } from './pending-commits.ts'

const ASSIGN = -175
const REVOKE = -174
/** The code for a member that has not polled in time; a rebalance follows it. */
const POLL_EXCEEDED = -147
/** How long leaving the group may take before the client is closed; the group then waits for the session. */
const LEAVE_MS_MAX = 5_000
const ANSWER_POLL_MS = 10

export function memberSettings(group: GroupOptions): NativeSettings {
  const { groupId, protocol = 'classic', pollIntervalMsMax = 300_000 } = group
  return {
    'group.id': groupId,
    'max.poll.interval.ms': pollIntervalMsMax,
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    // The member never reads: its partitions are paused, and records that come before that are dropped.
    'auto.offset.reset': 'latest',
    'fetch.message.max.bytes': 1_024,
    'queued.max.messages.kbytes': 1_024,
    ...(protocol === 'consumer'
      ? { 'group.protocol': 'consumer', 'group.remote.assignor': 'uniform' }
      : {
          'partition.assignment.strategy': 'cooperative-sticky',
          ...sessionSettings(group.sessionTimeoutMs ?? Math.min(6_000, pollIntervalMsMax), pollIntervalMsMax),
        }),
  }
}

function sessionSettings(sessionTimeoutMs: number, pollIntervalMsMax: number): NativeSettings {
  const heartbeatMs = Math.min(1_000, heartbeatMsMax(sessionTimeoutMs))
  checkTimeouts({
    heartbeat: { setting: 'heartbeat.interval.ms', ms: heartbeatMs },
    session: { setting: 'sessionTimeoutMs', ms: sessionTimeoutMs },
    pollInterval: { setting: 'pollIntervalMsMax', ms: pollIntervalMsMax },
  })
  return { 'session.timeout.ms': sessionTimeoutMs, 'heartbeat.interval.ms': heartbeatMs }
}

interface Rebalance {
  readonly kind: 'assigned' | 'revoked' | 'lost'
  readonly partitions: readonly TopicPartition[]
}

/**
 * A member of a group: it owns partitions, sends heartbeats, commits offsets, and never reads. The partitions
 * of its native consumer are paused; `consume` is called because it serves rebalances and answers to commits.
 *
 * Rebalances wait until the owner calls `serve`, which alone calls the listener. The native client waits with
 * a rebalance for `incrementalAssign` or `incrementalUnassign`.
 */
export class NativeGroupMember {
  readonly #native: NativeConsumer
  readonly #clock: Clock
  readonly #wake: () => void
  readonly #commits: PendingCommits
  readonly #owned = new Map<string, TopicPartition>()
  readonly #rebalances: Rebalance[] = []
  readonly #errors: BrokerError[] = []
  /** Calls of a producer that use the native handle, which must not be closed before they return. */
  readonly #borrowed: NativeCalls
  #listener: AssignmentListener | undefined
  /** The rebalance whose listener has returned a promise. */
  #held: Rebalance | undefined
  #commitPoll: Timer | undefined
  #polling = false
  #pollAgain = false
  #polled: (() => void) | undefined
  #leaving = false
  #closed = false

  constructor(native: NativeConsumer, clock: Clock, wake: () => void) {
    this.#native = native
    this.#clock = clock
    this.#wake = wake
    this.#commits = new PendingCommits(clock)
    this.#borrowed = new NativeCalls(clock)
    native.setDefaultConsumeTimeout(0)
  }

  subscribe(topics: readonly string[], listener: AssignmentListener): void {
    this.#listener = listener
    this.#native.subscribe(topics)
    this.poll()
  }

  owned(): readonly TopicPartition[] {
    return [...this.#owned.values()]
  }

  /** Polls the native client, which keeps the member alive; at most one poll is unfinished. */
  poll(): void {
    if (this.#closed) return
    this.#pollAgain = this.#polling
    if (this.#polling) return
    this.#polling = true
    this.#native.consume(1, error => this.#onPolled(error))
  }

  /**
   * Whether the member waits for an answer to a commit, or for leaving the group: then it has to be polled.
   */
  get expectsAnswer(): boolean {
    return this.#commits.any || this.#leaving
  }

  /**
   * Calls the listener for the rebalances that wait; the next one waits for a promise of the listener. True
   * if the listener was called.
   */
  serve(): boolean {
    let told = false
    while (!this.#held && !this.#leaving) {
      const next = this.#rebalances.shift()
      if (!next) break
      this.#tell(next)
      told = true
    }
    return told
  }

  get hasError(): boolean {
    return this.#errors.length > 0
  }

  takeError(): BrokerError | undefined {
    return this.#errors.shift()
  }

  /** Takes the event `rebalance` of the native client. */
  onRebalance(error: NativeError, partitions: readonly NativePartition[]): void {
    const places = partitions.map(({ topic, partition }) => ({ topic, partition }))
    try {
      if (error.code === ASSIGN) this.#onAssigned(places)
      else if (error.code === REVOKE) this.#onRevoked(places)
      else throw brokerErrorFrom(error, 'rebalancing')
    } catch (reason) {
      // The event comes from the native layer, where nobody would catch the error.
      this.#errors.push(asBrokerError(reason, 'rebalancing'))
    }
    this.#wake()
  }

  /** Takes the event `offset.commit` of the native client. */
  onCommitted(error: NativeError | undefined, offsets: readonly NativePartition[]): void {
    this.#commits.answered(error, offsets)
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    if (offsets.length === 0) return
    const answer = this.#commits.add(offsets, () => this.#native.commit(offsets))
    this.poll()
    try {
      await answer
    } catch (reason) {
      throw asBrokerError(reason, 'committing offsets')
    }
  }

  async withHandle<T>(use: (handle: NativeConsumer) => Promise<T>): Promise<T> {
    if (this.#closed || this.#leaving) throw closedError('consumer')
    return this.#borrowed.track(use(this.#native))
  }

  async close(): Promise<void> {
    this.#leaving = true
    // A transaction that is being committed needs its member.
    await this.#borrowed.whenOver(() => Promise.resolve())
    try {
      await this.#leave()
    } catch {
      // The client is closed all the same; the group removes the member after the session.
    }
    this.#closed = true
    if (this.#polling) await new Promise<void>(resolve => (this.#polled = resolve))
    this.#commits.failAll(closedError('consumer'))
    this.#commitPoll?.cancel()
    this.#owned.clear()
    await this.#borrowed.whenOver(
      () => new Promise<void>(resolve => this.#native.disconnect(() => resolve())),
    )
  }

  /** Leaves the group by `unsubscribe`, since `disconnect` would hang if a rebalance came during it. */
  async #leave(): Promise<void> {
    if (!this.#listener) return
    this.#answerHeldRebalances()
    this.#native.unsubscribe()
    const deadlineMs = this.#clock.monotonicMs() + LEAVE_MS_MAX
    while (this.#native.assignments().length > 0 && this.#clock.monotonicMs() < deadlineMs) {
      this.poll()
      await this.#clock.sleep(5)
    }
  }

  #answerHeldRebalances(): void {
    const held = this.#held ? [this.#held] : []
    for (const { kind, partitions } of [...held, ...this.#rebalances.splice(0)]) {
      if (kind !== 'assigned') this.#letGo(partitions)
    }
  }

  #onAssigned(partitions: readonly TopicPartition[]): void {
    // Assigned at once; the listener is called later, and until then nothing is committed for the partitions.
    this.#native.incrementalAssign(partitions.map(each => ({ ...each, offset: END })))
    if (partitions.length === 0) return
    this.#native.pause(partitions)
    if (!this.#leaving) this.#rebalances.push({ kind: 'assigned', partitions })
  }

  #onRevoked(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0 || this.#leaving) return this.#letGo(partitions)
    const kind = this.#native.assignmentLost() ? 'lost' : 'revoked'
    this.#rebalances.push({ kind, partitions })
  }

  #tell(rebalance: Rebalance): void {
    const { kind, partitions } = rebalance
    if (kind === 'assigned') for (const each of partitions) this.#owned.set(keyOf(each), each)
    if (kind === 'lost') this.#disown(partitions)
    try {
      const answer = this.#listener?.[kind](partitions)
      if (answer) return void this.#hold(rebalance, answer)
    } catch (reason) {
      this.#listenerFailed(reason)
    }
    this.#settle(rebalance)
  }

  async #hold(rebalance: Rebalance, answer: Promise<void>): Promise<void> {
    this.#held = rebalance
    try {
      await answer
    } catch (reason) {
      this.#listenerFailed(reason)
    }
    this.#held = undefined
    this.#settle(rebalance)
    this.#wake()
  }

  #settle({ kind, partitions }: Rebalance): void {
    // A member that leaves has answered all rebalances.
    if (kind === 'assigned' || this.#leaving) return
    this.#disown(partitions)
    this.#letGo(partitions)
  }

  /** Reports an error of the listener. The rebalance goes on, so that the group does not hang. */
  #listenerFailed(reason: unknown): void {
    this.#errors.push(asBrokerError(errorFrom(reason), 'calling the assignment listener'))
    this.#wake()
  }

  #disown(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#owned.delete(keyOf(each))
  }

  #letGo(partitions: readonly TopicPartition[]): void {
    try {
      const held = new Set(this.#native.assignments().map(keyOf))
      // A loss may have come during the revocation, with some of its partitions.
      const left = partitions.filter(each => held.has(keyOf(each)))
      this.#native.incrementalUnassign(left)
    } catch (reason) {
      this.#letGoOfAll(reason)
    }
    this.poll()
  }

  /**
   * Gives up all partitions where the client has others than the member, and reports the loss, after which
   * the owner joins with another member.
   */
  #letGoOfAll(reason: unknown): void {
    const { message } = asBrokerError(reason, 'giving partitions up')
    this.#errors.push(new BrokerError('ASSIGNMENT_LOST', 'task-migrated', message, { cause: reason }))
    this.#owned.clear()
    // Rebalances that wait are dropped: they would assign partitions that are given up here.
    this.#rebalances.length = 0
    try {
      this.#native.unassign()
    } catch (second) {
      this.#errors.push(asBrokerError(second, 'giving all partitions up'))
    }
    this.#wake()
  }

  #onPolled(error: NativeError | null | undefined): void {
    this.#polling = false
    if (error && error.code !== POLL_EXCEEDED) this.#reportNative(error)
    if (this.#closed) return this.#polled?.()
    if (this.#pollAgain) this.poll()
    else if (this.#commits.any) this.#pollForAnswer()
  }

  #reportNative(native: NativeError): void {
    const error = brokerErrorFrom(native, 'being a member of the group')
    // The client mends by itself what is retriable: broken connections, coordinators that move.
    if (error.class === 'retriable') return
    this.#errors.push(error)
    this.#wake()
  }

  /** Polls for an answer, since the native queue calls back only when it was empty before. */
  #pollForAnswer(): void {
    this.#commitPoll ??= this.#clock.schedule(ANSWER_POLL_MS, () => {
      this.#commitPoll = undefined
      this.poll()
    })
  }
}

const END = -1

function keyOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}
