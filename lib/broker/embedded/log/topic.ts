import type { TopicDescription } from '../../broker.ts'
import type { PartitionLog } from './partition-log.ts'
import type { RawTopicConfig } from './topic-config.ts'

/** What is kept of a topic on disk. */
export interface TopicInfo {
  /** Known to this broker alone: part of the keys of its logs. */
  readonly topicId: number
  /** Like no other, of any broker. */
  readonly uuid: string
  readonly partitionCount: number
  readonly config: RawTopicConfig
}

export interface Topic extends TopicInfo {
  readonly topic: string
  readonly logs: readonly PartitionLog[]
}

export function describeTopic({ topic, partitionCount, uuid, config }: Topic): TopicDescription {
  return { topic, partitionCount, topicId: uuid, config }
}
