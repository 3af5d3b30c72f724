import { StreamsError, type ServiceContext } from 'millrace'

/**
 * A topic that stands for a table must be compacted: with `delete`, whatever has not changed for the
 * retention time is gone. Rejects with `TOPIC_NOT_COMPACTED`; where the broker does not tell its topics'
 * settings nothing is checked.
 */
export async function requireCompacted({ broker }: ServiceContext, topics: readonly string[]): Promise<void> {
  const admin = await broker.admin()
  try {
    for (const { topic, config } of (await admin.describeTopics(topics)).values()) {
      const policy = config?.['cleanup.policy']
      if (policy === undefined || policy.split(',').includes('compact')) continue
      throw new StreamsError(
        'TOPIC_NOT_COMPACTED',
        `topic "${topic}" has cleanup.policy=${policy}, but holds a table: set it to compact, or rows vanish after its retention time`,
      )
    }
  } finally {
    await admin.close()
  }
}
