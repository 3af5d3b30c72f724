import { assert } from './assert.ts'

/** `<subtopology>_<partition>`, as Kafka Streams writes it: `0_1`. */
export type TaskId = `${number}_${number}`

export function taskId(subtopologyId: number, partition: number): TaskId {
  return `${subtopologyId}_${partition}`
}

export function parseTaskId(id: string): { subtopologyId: number; partition: number } {
  const match = /^(\d+)_(\d+)$/.exec(id)
  assert(match, `"${id}" is not a task id`)
  return { subtopologyId: Number(match[1]), partition: Number(match[2]) }
}

/** The key of a partition in maps and messages: `topic-3`. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`
}
