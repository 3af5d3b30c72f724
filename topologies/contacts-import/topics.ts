import type { NewTopic } from 'millrace'

export const TOPICS = {
  /** By import. */
  uploads: 'import-uploads',
  results: 'import-results',
  /** By address. */
  jobs: 'import-jobs',
  contacts: 'contacts',
  /** By import and row. */
  failures: 'import-failures',
} as const

export const DAY_MS = 86_400_000
/** A process that is down for longer loses rows of what was being imported. */
export const KEPT_MS = 7 * DAY_MS

/** How many tasks a stage has, and so how many processes can share its work. */
const PARTITIONS = 2

const passing = (topic: string): NewTopic => ({
  topic,
  partitionCount: PARTITIONS,
  config: { 'cleanup.policy': 'delete', 'retention.ms': String(KEPT_MS) },
})

/** Created where they are missing, before the topology starts. */
export const topics: NewTopic[] = [
  passing(TOPICS.uploads),
  passing(TOPICS.jobs),
  passing(TOPICS.results),
  passing(TOPICS.failures),
  { topic: TOPICS.contacts, partitionCount: PARTITIONS, config: { 'cleanup.policy': 'compact' } },
]
