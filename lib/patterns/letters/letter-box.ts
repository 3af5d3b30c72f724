import type { TopicPartition } from '../../broker/broker.ts'
import { replayTopic } from '../../dsl/retry/replay-source.ts'
import { letterTopic } from '../../dsl/retry/retry-letters.ts'
import type { Letter } from '../../processor/letter.ts'
import type { SourceNodePlan, TopologyPlan } from '../../topology/plan.ts'
import { replayTopicOf } from '../../topology/replay-nodes.ts'
import { matchesTopic } from '../../topology/topic-pattern.ts'
import type { StoredLetter } from './read-letters.ts'

/** Where dead letters of an application lie, and where they go to be processed again. */
export interface LetterBox {
  /** Of the operator; of a queue for all nodes its topic. */
  readonly name: string
  readonly topic: string
  /** Whether it holds letters of all nodes, and perhaps of other applications: see `deadLetterQueueTopic`. */
  readonly isShared?: boolean
  /** Whether the topology has not got it any more: its letters can be looked at and purged. */
  readonly isGone?: boolean
  /**
   * Where the letter is read again, by the task that gave it up; undefined where nothing reads such letters:
   * a punctuator made it, or the topology does not read its topic any more.
   */
  replayPlace(letter: StoredLetter): TopicPartition | undefined
}

/** The boxes of all operators with retry, and that of the application. */
export function letterBoxes(
  plan: Pick<TopologyPlan, 'applicationId' | 'subtopologies'>,
  { deadLetterQueueTopic }: { readonly deadLetterQueueTopic?: string | undefined } = {},
): LetterBox[] {
  const nodes = plan.subtopologies.flatMap(subtopology => subtopology.nodes)
  const ofOperators = nodes.flatMap(node =>
    node.kind === 'processor' && node.ownTopics ? [operatorBox(plan.applicationId, node.name)] : [],
  )
  if (deadLetterQueueTopic === undefined) return ofOperators
  const sources = nodes.flatMap(node => (node.kind === 'source' && !node.own ? [node] : []))
  return [...ofOperators, applicationBox(plan.applicationId, deadLetterQueueTopic, sources)]
}

export function letterTopicOf(applicationId: string, operator: string): string {
  return `${applicationId}-${letterTopic(operator)}`
}

export function operatorBox(applicationId: string, name: string): LetterBox {
  const topic = `${applicationId}-${replayTopic(name)}`
  return {
    name,
    topic: letterTopicOf(applicationId, name),
    replayPlace: ({ partition }) => ({ topic, partition }),
  }
}

function applicationBox(applicationId: string, topic: string, sources: readonly SourceNodePlan[]): LetterBox {
  return {
    name: topic,
    topic,
    isShared: true,
    replayPlace: ({ letter }) => {
      const source = letter.topic === undefined ? undefined : sourceOf(letter.topic, sources)
      return source && { topic: replayTopicOf(applicationId, source.name), partition: letter.partition }
    },
  }
}

function sourceOf(topic: string, sources: readonly SourceNodePlan[]): SourceNodePlan | undefined {
  return sources.find(
    ({ topics, pattern }) =>
      topics.includes(topic) || (pattern !== undefined && matchesTopic(pattern, topic)),
  )
}

/**
 * Whether the box's letter is one of the application, and of the operator. Topics do not tell:
 * `pay-eu-charge-dlq` is of `charge` of `pay-eu`, and might be of `eu-charge` of `pay`.
 */
export function isOf(applicationId: string, { name, isShared }: LetterBox, letter: Letter): boolean {
  return letter.applicationId === applicationId && (isShared === true || letter.operator === name)
}
