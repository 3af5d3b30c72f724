import { LetterReplay } from '../processor/letter-replay.ts'
import { letterTimestamp } from '../processor/letter.ts'
import { serdes } from '../serde/serdes.ts'
import type { SourceDefinition } from './node-definition.ts'
import type { NodePlan, SourceNodePlan } from './plan.ts'

const KEPT_MS = 7 * 24 * 3_600_000
const BYTES_MAX = 16 * 1024 * 1024

/**
 * A source of letters that are to be processed again, each in the partition of the task that gave it up. They
 * have the time of their records, so that they come before what is newer.
 */
export const REPLAY_SOURCE = {
  keySerde: serdes.bytes() as SourceDefinition['keySerde'],
  valueSerde: serdes.bytes() as SourceDefinition['valueSerde'],
  timestampExtractor: ({ headers }) => letterTimestamp(headers),
  own: {
    partitionCount: 'tasks',
    config: {
      'cleanup.policy': 'delete',
      'retention.ms': String(KEPT_MS),
      'max.message.bytes': String(BYTES_MAX),
    },
    isKept: false,
  },
} as const satisfies Partial<SourceDefinition>

/** Topic of the letters of records that a source has read. */
export function replayTopicOf(applicationId: string, sourceName: string): string {
  return `${applicationId}-${sourceName}-replay`
}

/**
 * For each source of a sub-topology, a second one that reads its letters again, with the same serdes, and the
 * same nodes below it.
 */
export function withReplays(applicationId: string, nodes: readonly NodePlan[]): NodePlan[] {
  return nodes.flatMap(node =>
    node.kind === 'source' && !node.own ? [node, ...replayNodes(applicationId, node)] : [node],
  )
}

function replayNodes(applicationId: string, source: SourceNodePlan): NodePlan[] {
  const { name, keySerde, valueSerde, children } = source
  const [sourceName, replayName] = [`${name}-replay`, `${name}-replayed`]
  return [
    {
      ...source,
      ...REPLAY_SOURCE,
      name: sourceName,
      topics: [replayTopicOf(applicationId, name)],
      pattern: undefined,
      keySerde,
      valueSerde,
      offsetReset: 'earliest',
      children: [replayName],
    },
    {
      kind: 'processor',
      name: replayName,
      supplier: { get: () => new LetterReplay() },
      stores: [],
      children,
    },
  ]
}
