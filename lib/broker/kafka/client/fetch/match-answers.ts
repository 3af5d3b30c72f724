import type { FetchedPartition } from './fetch-response.ts'
import type { AskedQueue } from './leader-reader.ts'
import { MalformedError } from '../../protocol/malformed-error.ts'

/**
 * The queue that was asked for, for each partition of a response. Throws `MalformedError` where a partition
 * was not asked for, or is answered twice.
 */
export function matchAnswers(
  partitions: readonly FetchedPartition[],
  asked: readonly AskedQueue[],
): readonly AskedQueue[] {
  const answered = new Set<AskedQueue>()
  let at = 0
  for (const fetched of partitions) {
    // Responses keep the order of the request, so the search is short.
    for (let step = 0; step < asked.length && !isOf(fetched, asked[at % asked.length]!); step += 1) at += 1
    const question = asked[at % asked.length]!
    if (!isOf(fetched, question) || answered.has(question)) {
      throw new MalformedError(`partition ${fetched.partition} was not asked for, or is answered twice`)
    }
    answered.add(question)
  }
  return [...answered]
}

function isOf({ partition, topic, topicId }: FetchedPartition, { target }: AskedQueue): boolean {
  if (partition !== target.partition) return false
  return topicId === undefined ? topic === target.topic : topicId === target.topicId
}
