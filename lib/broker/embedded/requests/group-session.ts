import { partitionKey } from '../../../common/ids.ts'
import type { AssignmentListener, GroupOptions, TopicPartition } from '../../broker.ts'
import type { BrokerState } from '../state/broker-state.ts'
import { GroupMember } from '../state/group-member.ts'
import type { Membership } from './offset-commit.ts'

const SESSION_TIMEOUT_MS = 6_000
const POLL_INTERVAL_MS_MAX = 300_000

/**
 * A consumer's side of its group: joins, hears of changes when it polls, and calls the listener, one call at
 * a time. A member that was evicted learns so at its next poll: `lost` first, then it joins anew under
 * another member id.
 */
export class GroupSession {
  readonly #state: BrokerState
  readonly #clientId: string
  readonly #options: GroupOptions
  readonly #wake: () => void
  readonly #owned = new Map<string, TopicPartition>()
  #topics: readonly string[] = []
  #listener: AssignmentListener | undefined
  #member: GroupMember | undefined
  #joining = false
  #calling = false
  #error: unknown
  #closed = false

  constructor(state: BrokerState, clientId: string, options: GroupOptions, wake: () => void) {
    this.#state = state
    this.#clientId = clientId
    this.#options = options
    this.#wake = wake
  }

  subscribe(topics: readonly string[], listener: AssignmentListener): void {
    if (this.#listener) throw new TypeError('this consumer has subscribed already')
    this.#topics = topics
    this.#listener = listener
    void this.#join()
  }

  owned(): readonly TopicPartition[] {
    return [...this.#owned.values()]
  }

  membership(): Membership {
    return { groupId: this.#options.groupId, memberId: this.#listener ? this.memberId : undefined }
  }

  /** The empty one is nobody's: a consumer that has subscribed is never taken for one outside the group. */
  get memberId(): string {
    return this.#member?.memberId ?? ''
  }

  heartbeat(): void {
    this.#member?.heartbeat()
  }

  /** Whether `poll` would call the listener or throw. */
  hasNews(): boolean {
    if (this.#error !== undefined) return true
    return this.#member !== undefined && this.#member.changed && !this.#calling
  }

  /** Tells the listener what has changed. */
  poll(): void {
    this.#member?.polled()
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
    if (!this.#member && this.#listener && !this.#calling) void this.#join()
    while (!this.#calling && this.#member?.changed && !this.#closed) this.#tellNext(this.#member)
  }

  close(): void {
    this.#closed = true
    this.#owned.clear()
    const memberId = this.#member?.memberId
    this.#member = undefined
    if (memberId !== undefined) evict(this.#state, this.#options.groupId, memberId)
  }

  /** Revocations before assignments, so that the group is never waiting for a member that takes first. */
  #tellNext(member: GroupMember): void {
    const group = this.#state.group(this.#options.groupId)
    if (!group.members.has(member.memberId)) return this.#tellLost()
    const revoked = group.toRevoke(member)
    if (revoked.length > 0) {
      return this.#call('revoked', revoked, () => {
        this.#drop(revoked)
        group.release(member, revoked)
      })
    }
    const assigned = group.takeFree(member)
    if (assigned.length === 0) {
      member.changed = false
      return
    }
    for (const each of assigned) this.#owned.set(partitionKey(each.topic, each.partition), each)
    this.#call('assigned', assigned, () => undefined)
  }

  /** The next owner may be at work already: nothing is asked, and nothing may be committed. */
  #tellLost(): void {
    this.#member = undefined
    const lost = this.owned()
    this.#owned.clear()
    const rejoin = () => void this.#join()
    if (lost.length > 0) this.#call('lost', lost, rejoin)
    else rejoin()
  }

  /**
   * `settled` runs when the listener is through, whether it failed or not: the partitions are given up either
   * way.
   */
  #call(method: keyof AssignmentListener, partitions: readonly TopicPartition[], settled: () => void): void {
    this.#setCalling(true)
    const done = (error?: unknown) => {
      this.#setCalling(false)
      this.#error ??= error
      if (!this.#closed) settled()
      this.#wake()
    }
    try {
      const answer = this.#listener?.[method](partitions)
      if (answer instanceof Promise) answer.then(() => done(), done)
      else done()
    } catch (error) {
      done(error)
    }
  }

  #setCalling(calling: boolean): void {
    this.#calling = calling
    if (this.#member) this.#member.busy = calling
  }

  #drop(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#owned.delete(partitionKey(topic, partition))
  }

  async #join(): Promise<void> {
    if (this.#joining || this.#closed) return
    this.#joining = true
    const { groupId } = this.#options
    try {
      await this.#state.interceptions.run({ operation: 'join', clientId: this.#clientId, groupId }, () =>
        this.#enter(),
      )
    } catch (error) {
      this.#error ??= error
    }
    this.#joining = false
    this.#wake()
  }

  /** Under a new id each time: what was sent under the old one must stay refused. */
  #enter(): void {
    if (this.#closed) return
    this.#state.assertOpen()
    const { groupId, sessionTimeoutMs, pollIntervalMsMax } = this.#options
    const options = {
      memberId: `${this.#clientId}-${this.#state.random.uuid()}`,
      clientId: this.#clientId,
      topics: this.#topics,
      sessionTimeoutMs: sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      pollIntervalMsMax: pollIntervalMsMax ?? POLL_INTERVAL_MS_MAX,
    }
    const member = new GroupMember(options, this.#state.clock)
    member.onChange = this.#wake
    this.#member = member
    const group = this.#state.group(groupId)
    group.join(member, () => evict(this.#state, groupId, member.memberId))
    this.#state.rebalance(group)
  }
}

/**
 * Takes a member out of its group, by its own leave, the end of its session, or a test that wants a zombie.
 */
export function evict(state: BrokerState, groupId: string, memberId: string): void {
  const group = state.group(groupId)
  if (group.remove(memberId)) state.rebalance(group)
}
