import type { NewTopic } from 'millrace'

export const TOPICS = {
  /** Whole sites by site id, as their owner publishes them; a deleted site is a tombstone. */
  metadata: 'site-metadata',
  /** The slice, by site id. */
  sites: 'site-apps',
  /** The reverse index: one record for each app and site that has it, by `appId/siteId`. */
  apps: 'app-sites',
} as const

/**
 * Stores with copies of the last two, all of them in every process, on its disk: any process answers for all,
 * however many project.
 */
export const VIEWS = { sites: 'site-apps-view', apps: 'app-sites-view' } as const

/**
 * How many tasks project, and so how many processes can share the work. A topic that is there already keeps
 * its own number.
 */
const PARTITIONS = 4

/** Created where they are missing. All hold tables, so all are compacted: a new reader finds every row. */
export const topics: NewTopic[] = Object.values(TOPICS).map(topic => ({
  topic,
  partitionCount: PARTITIONS,
  config: { 'cleanup.policy': 'compact' },
}))
