import type { NewTopic } from 'millrace'

/** What flows between the stages; `topics` below says how each is kept. */
export const TOPICS = {
  uploads: 'import-uploads',
  starts: 'import-starts',
  jobs: 'import-jobs',
  results: 'import-results',
  contacts: 'contacts',
  imports: 'imports',
  failures: 'import-failures',
  events: 'import-events',
  push: 'push',
} as const

/** Stores with a process's copies of three of them. */
export const COPIES = {
  contacts: 'contacts-table',
  imports: 'imports-table',
  failures: 'failures-table',
} as const

/**
 * How many tasks a stage has, and so how many processes can share its work. A topic that is there already
 * keeps its own number.
 */
const PARTITIONS = 2
const HOUR_MS = 3_600_000

/** A process that is down longer than the stages' topics are kept loses rows of what was being imported. */
const passing = (topic: string, retentionMs: number): NewTopic => ({
  topic,
  partitionCount: PARTITIONS,
  config: { 'cleanup.policy': 'delete', 'retention.ms': String(retentionMs) },
})

const table = (topic: string): NewTopic => ({
  topic,
  partitionCount: PARTITIONS,
  config: { 'cleanup.policy': 'compact' },
})

/** Created where they are missing, before the topology starts. */
export const topics: NewTopic[] = [
  passing(TOPICS.uploads, 7 * 24 * HOUR_MS),
  passing(TOPICS.starts, 7 * 24 * HOUR_MS),
  passing(TOPICS.jobs, 7 * 24 * HOUR_MS),
  passing(TOPICS.results, 7 * 24 * HOUR_MS),
  passing(TOPICS.events, 24 * HOUR_MS),
  passing(TOPICS.push, 24 * HOUR_MS),
  table(TOPICS.contacts),
  table(TOPICS.imports),
  table(TOPICS.failures),
]
