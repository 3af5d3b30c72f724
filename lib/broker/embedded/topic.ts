import type { TopicDescription } from '../broker.ts'
import type { PartitionLog } from './partition-log.ts'
import type { RawTopicConfig } from './topic-config.ts'

/** What is kept of a topic on disk. */
export interface TopicInfo {
  readonly topicId: number
  readonly partitionCount: number
  readonly config: RawTopicConfig
}

export interface Topic extends TopicInfo {
  readonly topic: string
  readonly logs: readonly PartitionLog[]
}

export function describeTopic({ topic, partitionCount, config }: Topic): TopicDescription {
  return { topic, partitionCount, config }
}
