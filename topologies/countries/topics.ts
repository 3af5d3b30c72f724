import type { NewTopic } from 'millrace'

export const TOPICS = {
  /** By ISO 3166 code. */
  countries: 'countries',
  /** By IANA name; written by the topology alone. */
  timeZones: 'time-zones',
  /** What has been seeded, so that it is not seeded again. */
  seeds: 'country-seeds',
} as const

/** One partition each: a few hundred rows. */
export const topics: NewTopic[] = Object.values(TOPICS).map(topic => ({
  topic,
  partitionCount: 1,
  config: { 'cleanup.policy': 'compact' },
}))
