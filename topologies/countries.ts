import { continueOnError, type StreamsConfig, type TopologyAbout } from 'millrace'
import { buildTopology } from './countries/build-topology.ts'

export { service } from './countries/service.ts'
export { topics } from './countries/topics.ts'

export const about: TopologyAbout = {
  title: 'Countries and time zones',
  description:
    'In-memory key-value store: every process holds two tables in memory, and a write is visible when it is answered. Edit a country, and its time zones follow.',
}

/** What is no country must not stop the time zones; it is dropped, and counted. */
export const config: Partial<StreamsConfig> = { deserializationErrorHandler: continueOnError }

/**
 * In-memory key-value store: `countries` and `time-zones` are compacted topics that every process holds in
 * memory. This topology is the one writer of the second, which it derives from the first;
 * `countries/tables.ts` are the copies, `countries/service.ts` the HTTP side.
 */
export default buildTopology()
