import type { FetchedPartition } from './fetch-response.ts'
import type { AskedQueue } from './leader-reader.ts'
import { MalformedError } from '../../protocol/malformed-error.ts'

/**
 * For each answer what it answers, in the order of the answers. Throws `MalformedError` for what was not
 * asked for, or is answered twice, before anything is made of it.
 */
export function matchAnswers(
  partitions: readonly FetchedPartition[],
  asked: readonly AskedQueue[],
): readonly AskedQueue[] {
  const answered = new Set<AskedQueue>()
  let at = 0
  for (const fetched of partitions) {
    // The answer has the order of the question, so the search is short.
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
