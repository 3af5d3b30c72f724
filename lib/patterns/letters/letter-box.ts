import type { TopicPartition } from '../../broker/broker.ts'
import { replayTopic } from '../../dsl/async/replay-source.ts'
import { letterTopic } from '../../dsl/async/retry-letters.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { StoredLetter } from './read-letters.ts'

/** Where dead letters of an application lie, and where they go to be processed again. */
export interface LetterBox {
  /** Of the operator. */
  readonly name: string
  readonly topic: string
  /** Whether the topology has not got it any more: its letters can be looked at and purged. */
  readonly isGone?: boolean
  /** Where the letter is read again, by the task that gave it up. */
  replayPlace(letter: StoredLetter): TopicPartition
}

/** The boxes of all operators with retry. */
export function letterBoxes({
  applicationId,
  subtopologies,
}: Pick<TopologyPlan, 'applicationId' | 'subtopologies'>): LetterBox[] {
  return subtopologies.flatMap(({ nodes }) =>
    nodes.flatMap(node =>
      node.kind === 'processor' && node.ownTopics ? [operatorBox(applicationId, node.name)] : [],
    ),
  )
}

export function operatorBox(applicationId: string, name: string): LetterBox {
  const topic = `${applicationId}-${replayTopic(name)}`
  return {
    name,
    topic: `${applicationId}-${letterTopic(name)}`,
    replayPlace: ({ partition }) => ({ topic, partition }),
  }
}
