import type { TopicPartition } from '../../broker.ts'

/** A member as the assignor sees it; `assigned` is both what it has now and the result. */
export interface AssignedMember {
  readonly topics: ReadonlySet<string>
  readonly assigned: Map<string, TopicPartition>
}

/**
 * KIP-848's `uniform` in spirit: as few moves as possible, then numbers of partitions that differ by one at
 * most, as far as the subscriptions allow. What is moved comes from the topic of which the giver has most
 * compared with the receiver. `partitions` are all partitions of all subscribed topics, by `partitionKey`.
 * Changes `assigned` in place.
 */
export function assignUniformly(
  members: readonly AssignedMember[],
  partitions: ReadonlyMap<string, TopicPartition>,
): void {
  const free = new Map(partitions)
  for (const member of members) keepAssigned(member, free)
  for (const [key, partition] of free) leastLoaded(members, partition.topic)?.assigned.set(key, partition)
  while (moveOne(members));
}

function keepAssigned({ topics, assigned }: AssignedMember, free: Map<string, TopicPartition>): void {
  for (const [key, { topic }] of assigned) {
    if (topics.has(topic) && free.has(key)) free.delete(key)
    else assigned.delete(key)
  }
}

/** The earliest of them, so that the result depends on the order of joining only. */
function leastLoaded(members: readonly AssignedMember[], topic: string): AssignedMember | undefined {
  let least: AssignedMember | undefined
  for (const member of members) {
    if (!member.topics.has(topic)) continue
    if (!least || member.assigned.size < least.assigned.size) least = member
  }
  return least
}

function moveOne(members: readonly AssignedMember[]): boolean {
  const givers = [...members].sort((left, right) => right.assigned.size - left.assigned.size)
  for (const giver of givers) {
    for (const receiver of givers.toReversed()) {
      if (giver.assigned.size - receiver.assigned.size < 2) break
      const key = movable(giver, receiver)
      if (key === undefined) continue
      receiver.assigned.set(key, giver.assigned.get(key) as TopicPartition)
      giver.assigned.delete(key)
      return true
    }
  }
  return false
}

function movable(giver: AssignedMember, receiver: AssignedMember): string | undefined {
  const given = countsByTopic(giver)
  const received = countsByTopic(receiver)
  const surplus = (topic: string) => (given.get(topic) ?? 0) - (received.get(topic) ?? 0)
  let best: string | undefined
  let bestSurplus = Number.NEGATIVE_INFINITY
  for (const [key, { topic }] of giver.assigned) {
    if (!receiver.topics.has(topic) || surplus(topic) < bestSurplus) continue
    best = key
    bestSurplus = surplus(topic)
  }
  return best
}

function countsByTopic({ assigned }: AssignedMember): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { topic } of assigned.values()) counts.set(topic, (counts.get(topic) ?? 0) + 1)
  return counts
}
