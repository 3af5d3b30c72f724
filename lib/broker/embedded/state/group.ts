import { partitionKey } from '../../../common/ids.ts'
import type { GroupDescription, OffsetToCommit, TopicPartition } from '../../broker.ts'
import { assignUniformly } from './assignor.ts'
import { notAMember } from './errors.ts'
import type { GroupMember } from './group-member.ts'

/**
 * A consumer group: members, who holds which partition, committed and pending offsets. The model is KIP-848:
 * the broker computes the assignment, members learn their part of it one by one, and a partition goes to its
 * new owner only after the old one gave it back or was evicted. Left out: static membership, regular
 * expressions, and member epochs of their own: a member id is never used twice, so that an evicted member is
 * known by its id.
 */
export class Group {
  readonly groupId: string
  readonly members = new Map<string, GroupMember>()
  readonly offsets = new Map<string, OffsetToCommit>()
  /** By producer id: offsets of transactions that are not decided, or whose marker has not come yet. */
  readonly #pending = new Map<number, Map<string, OffsetToCommit>>()
  /** By partition: who holds it. A partition without holder may be given out; this map alone decides that. */
  readonly #holders = new Map<string, GroupMember>()
  #stabilityWaiters: (() => void)[] = []

  constructor(groupId: string) {
    this.groupId = groupId
  }

  join(member: GroupMember, onSilent: () => void): void {
    this.members.set(member.memberId, member)
    member.watch(onSilent)
  }

  /** Frees what the member held; whether it was one. The caller rebalances. */
  remove(memberId: string): boolean {
    const member = this.members.get(memberId)
    if (!member) return false
    this.members.delete(memberId)
    member.unwatch()
    for (const key of member.held.keys()) this.#holders.delete(key)
    member.held.clear()
    member.notify()
    return true
  }

  /** Computes who should have what; members give back and take when they poll. */
  rebalance(partitions: ReadonlyMap<string, TopicPartition>): void {
    assignUniformly([...this.members.values()], partitions)
    for (const member of this.members.values()) member.notify()
  }

  subscribedTopics(): Set<string> {
    return new Set([...this.members.values()].flatMap(member => [...member.topics]))
  }

  /** What the member holds and should not: it keeps them until `release`. */
  toRevoke(member: GroupMember): TopicPartition[] {
    return [...member.held].filter(([key]) => !member.assigned.has(key)).map(([, partition]) => partition)
  }

  /** Gives the member those of its partitions that nobody holds. */
  takeFree(member: GroupMember): TopicPartition[] {
    const free = [...member.assigned].filter(([key]) => !this.#holders.has(key))
    for (const [key, partition] of free) {
      this.#holders.set(key, member)
      member.held.set(key, partition)
    }
    return free.map(([, partition]) => partition)
  }

  /** A member that was evicted meanwhile has nothing left to release: others hold it already. */
  release(member: GroupMember, partitions: readonly TopicPartition[]): void {
    if (!this.members.has(member.memberId)) return
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      member.held.delete(key)
      this.#holders.delete(key)
    }
    for (const other of this.members.values()) other.notify()
  }

  /**
   * Without a member id a consumer stands outside the group, and may commit while the group has no members.
   */
  requireMember(memberId: string | undefined): void {
    const allowed = memberId === undefined ? this.members.size === 0 : this.members.has(memberId)
    if (!allowed) throw notAMember(this.groupId)
  }

  setPending(producerId: number, offsets: readonly OffsetToCommit[]): void {
    const pending = this.#pending.get(producerId) ?? new Map<string, OffsetToCommit>()
    for (const offset of offsets) pending.set(partitionKey(offset.topic, offset.partition), { ...offset })
    this.#pending.set(producerId, pending)
  }

  pendingOf(producerId: number): readonly OffsetToCommit[] {
    return [...(this.#pending.get(producerId)?.values() ?? [])]
  }

  /** Ends a transaction's part in this group; the offsets that count now are returned. */
  endTransaction(producerId: number, outcome: 'commit' | 'abort'): readonly OffsetToCommit[] {
    const decided = outcome === 'commit' ? this.pendingOf(producerId) : []
    for (const offset of decided) this.offsets.set(partitionKey(offset.topic, offset.partition), offset)
    this.#pending.delete(producerId)
    const waiters = this.#stabilityWaiters
    this.#stabilityWaiters = []
    for (const wake of waiters) wake()
    return decided
  }

  /** KIP-447: whether no undecided transaction may still change these offsets. */
  isStable(partitions: readonly TopicPartition[]): boolean {
    for (const pending of this.#pending.values()) {
      if (partitions.some(({ topic, partition }) => pending.has(partitionKey(topic, partition)))) return false
    }
    return true
  }

  /** The callback comes once, with the next decision of a transaction. */
  onDecision(wake: () => void): void {
    this.#stabilityWaiters.push(wake)
  }

  committed(partitions: readonly TopicPartition[]): Map<string, OffsetToCommit> {
    const found = new Map<string, OffsetToCommit>()
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      const offset = this.offsets.get(key)
      if (offset) found.set(key, offset)
    }
    return found
  }

  describe(): GroupDescription {
    const members = [...this.members.values()].map(({ memberId, clientId, held }) => ({
      memberId,
      clientId,
      partitions: [...held.values()],
    }))
    return { groupId: this.groupId, state: this.#state(), members }
  }

  #state(): GroupDescription['state'] {
    if (this.members.size === 0) return 'empty'
    for (const { held, assigned } of this.members.values()) {
      if (held.size !== assigned.size || [...held.keys()].some(key => !assigned.has(key)))
        return 'rebalancing'
    }
    return 'stable'
  }
}
