import type { NewTopic } from 'millrace'

export const TOPICS = {
  /** By ISO 3166 code; written by the single writer alone. */
  countries: 'countries',
  /** By IANA name; written by the topology alone. */
  timeZones: 'time-zones',
  /** What has been seeded, so that it is not seeded again. */
  seeds: 'country-seeds',
} as const

const topic = (name: string, config: { readonly [name: string]: string }) => ({
  topic: name,
  partitionCount: 1,
  config,
})
const COMPACTED = { 'cleanup.policy': 'compact' }

/** One partition each: a few hundred rows. */
export const topics: NewTopic[] = [
  ...Object.values(TOPICS).map(name => topic(name, COMPACTED)),
  topic(`${TOPICS.countries}-commands`, { 'retention.ms': '86400000' }),
  // All of it is read at every start.
  topic(`${TOPICS.countries}-answers`, { 'retention.ms': '600000', 'segment.ms': '600000' }),
]
