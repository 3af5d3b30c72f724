import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TopicPartition } from '../../lib/broker/broker.ts'
import { type AssignedMember, assignUniformly } from '../../lib/broker/embedded/state/assignor.ts'
import { partitionKey } from '../../lib/common/ids.ts'

function partitionsOf(topics: { readonly [topic: string]: number }): Map<string, TopicPartition> {
  const partitions = new Map<string, TopicPartition>()
  for (const [topic, count] of Object.entries(topics)) {
    for (let partition = 0; partition < count; partition++) {
      partitions.set(partitionKey(topic, partition), { topic, partition })
    }
  }
  return partitions
}

function memberOf(topics: readonly string[]): AssignedMember {
  return { topics: new Set(topics), assigned: new Map() }
}

const counts = fc.record({ a: fc.nat(12), b: fc.nat(12) })

test('assignor: every partition has one owner, shares differ by one at most, and a leaver moves only its own', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 2, max: 6 }), (topics, size) => {
      const partitions = partitionsOf(topics)
      const members = Array.from({ length: size }, () => memberOf(['a', 'b']))
      assignUniformly(members, partitions)
      const owned = members.flatMap(member => [...member.assigned.keys()])
      expect(owned.sort()).toEqual([...partitions.keys()].sort())
      const shares = members.map(member => member.assigned.size)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)

      const [, ...rest] = members
      const before = rest.map(member => new Set(member.assigned.keys()))
      assignUniformly(rest, partitions)
      rest.forEach((member, index) => {
        for (const key of before[index] ?? []) expect(member.assigned.has(key)).toBe(true)
      })
    }),
  )
})

test('assignor: a partition goes only to a member that subscribed to its topic', () => {
  const [left, right] = [memberOf(['a']), memberOf(['a', 'b'])]
  assignUniformly([left, right], partitionsOf({ a: 2, b: 4 }))
  expect([...left.assigned.keys()].sort()).toEqual(['a-0', 'a-1'])
  expect(right.assigned.size).toBe(4)
})
