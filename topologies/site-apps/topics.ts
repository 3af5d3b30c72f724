import type { NewTopic } from 'millrace'

export const TOPICS = {
  /** Whole sites by site id, as their owner publishes them; a deleted site is a tombstone. */
  metadata: 'site-metadata',
  /** The slice, by site id. */
  sites: 'site-apps',
  /** The reverse index: one record for each app and site that has it. */
  apps: 'app-sites',
  /** How many sites have an app, by app id. */
  counts: 'app-counts',
} as const

/**
 * Stores with copies of the last three, all of them in every process, on its disk: any process answers for
 * all, however many project.
 */
export const VIEWS = { sites: 'site-apps-view', apps: 'app-sites-view', counts: 'app-counts-view' } as const

/**
 * How many tasks project, and so how many processes can share the work. A topic that is there already keeps
 * its own number.
 */
const PARTITIONS = 4

/** Created where they are missing. All hold tables, so all are compacted: a new reader finds every row. */
export const topics: NewTopic[] = Object.values(TOPICS).map(topic => ({
  topic,
  partitionCount: PARTITIONS,
  // The audit counts revisions that compaction would take out of one topic before the other.
  config: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': String(7 * 86_400_000) },
}))
