import type { Admin } from '../../broker/broker.ts'
import { letterTopicOf, operatorBox, type LetterBox } from '../../patterns/letters/letter-box.ts'
import { UsageError } from '../output/exit-code.ts'

/**
 * The boxes of dead letters: those of the topology, and those of operators that it has not any more, whose
 * topics are there still. Without a topology, all by their topics.
 */
export async function findBoxes({
  applicationId,
  known,
  admin,
}: {
  readonly applicationId: string
  readonly known: readonly LetterBox[] | undefined
  readonly admin: Admin
}): Promise<readonly LetterBox[]> {
  const topics = await admin.listTopics()
  const found = topics.flatMap(topic => operatorOf(topic, applicationId) ?? []).sort()
  const isKnown = (name: string) => known?.some(({ topic }) => topic === letterTopicOf(applicationId, name))
  const others = found.filter(name => !isKnown(name))
  if (!known && others.length === 0) {
    throw new UsageError(
      'UNKNOWN_APPLICATION',
      `no topic ${applicationId}-…-dlq is there: the application ${applicationId} has no operator with retry, or has not run yet`,
    )
  }
  return [
    ...(known ?? []),
    ...others.map(name => ({ ...operatorBox(applicationId, name), isGone: known !== undefined })),
  ]
}

function operatorOf(topic: string, applicationId: string): string | undefined {
  const [prefix, suffix] = [`${applicationId}-`, '-dlq']
  if (!topic.startsWith(prefix) || !topic.endsWith(suffix)) return undefined
  return topic.slice(prefix.length, -suffix.length) || undefined
}
