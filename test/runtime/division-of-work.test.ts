import { describe, expect, it } from 'vitest'
import { AnchorPlan } from '../../lib/runtime/plan/anchor-plan.ts'
import { countPartitions } from '../../lib/runtime/plan/partition-counts.ts'
import type { SubtopologyPlan, TopologyPlan } from '../../lib/topology/plan.ts'

function subtopology(id: number, sourceTopics: string[], sinkTopics: string[] = []): SubtopologyPlan {
  return { id, nodes: [], stores: [], sourceTopics, sinkTopics }
}

function plan(subtopologies: SubtopologyPlan[], rest: Partial<TopologyPlan> = {}): TopologyPlan {
  return {
    applicationId: 'app',
    subtopologies,
    globalSubtopologies: [],
    repartitionTopics: new Map(),
    coPartitionGroups: [],
    ...rest,
  }
}

const repartition = (topic: string, partitionCount?: number) =>
  [topic, { topic, partitionCount, config: {} }] as const

describe('anchors', () => {
  const counts = new Map([
    ['small', 2],
    ['large', 4],
    ['also', 4],
  ])

  it('are the sources with the most partitions; the others come along where they have that partition', () => {
    const anchors = new AnchorPlan([subtopology(0, ['small', 'large'])], counts)
    expect(anchors.topics).toEqual(['large'])
    expect(anchors.task({ topic: 'large', partition: 1 })).toMatchObject({
      id: '0_1',
      partitions: [
        { topic: 'small', partition: 1 },
        { topic: 'large', partition: 1 },
      ],
    })
    expect(anchors.task({ topic: 'large', partition: 3 }).partitions).toEqual([
      { topic: 'large', partition: 3 },
    ])
  })

  it('have a hash that tells plans apart, and does not depend on the order of topics', () => {
    const hash = (sources: string[]) => new AnchorPlan([subtopology(0, sources)], counts).hash
    expect(hash(['small', 'large'])).toBe(hash(['large', 'small']))
    expect(hash(['small', 'large'])).not.toBe(hash(['large']))
  })

  it('accept members with the same plan and strangers, refuse another plan', () => {
    const anchors = new AnchorPlan([subtopology(0, ['large'])], counts)
    const group = (clientId: string) => ({
      groupId: 'app',
      state: 'stable' as const,
      members: [{ memberId: 'm', clientId, partitions: [] }],
    })
    anchors.checkMembers(group(anchors.clientId('app')))
    anchors.checkMembers(group('some-consumer'))
    expect(() => anchors.checkMembers(group('app-anchors-00000000'))).toThrow(
      /another version of the topology/,
    )
  })
})

describe('partition counts', () => {
  it('of a repartition topic are those of the largest source upstream, over several steps', () => {
    const topology = plan(
      [subtopology(0, ['in', 'more'], ['r1']), subtopology(1, ['r1'], ['r2']), subtopology(2, ['r2'])],
      { repartitionTopics: new Map([repartition('r2'), repartition('r1')]) },
    )
    const counts = countPartitions(
      topology,
      new Map([
        ['in', 3],
        ['more', 5],
      ]),
    )
    expect(counts.get('r1')).toBe(5)
    expect(counts.get('r2')).toBe(5)
  })

  it('follow the topic they are joined with', () => {
    const topology = plan([subtopology(0, ['in'], ['r']), subtopology(1, ['r', 'table'])], {
      repartitionTopics: new Map([repartition('r')]),
      coPartitionGroups: [{ topics: ['table'], repartitionTopics: ['r'] }],
    })
    expect(
      countPartitions(
        topology,
        new Map([
          ['in', 8],
          ['table', 2],
        ]),
      ).get('r'),
    ).toBe(2)
  })

  it('must agree where they are given', () => {
    const topology = plan([subtopology(0, ['left', 'right'])], {
      coPartitionGroups: [{ topics: ['left', 'right'], repartitionTopics: [] }],
    })
    expect(() =>
      countPartitions(
        topology,
        new Map([
          ['left', 2],
          ['right', 3],
        ]),
      ),
    ).toThrow(/"left" has 2, "right" has 3/)
  })

  it('that depend on each other must be set', () => {
    const topology = plan([subtopology(0, ['a'], ['b']), subtopology(1, ['b'], ['a'])], {
      repartitionTopics: new Map([repartition('a'), repartition('b')]),
    })
    expect(() => countPartitions(topology, new Map())).toThrow(
      /give one of the repartition operations a partitionCount/,
    )
    const set = { ...topology, repartitionTopics: new Map([repartition('a', 6), repartition('b')]) }
    expect(countPartitions(set, new Map()).get('b')).toBe(6)
  })
})
