import { continueOnError, type StreamsConfig, type TopologyAbout } from 'millrace'
import { buildTopology } from './site-apps/build-topology.ts'

export { service } from './site-apps/service.ts'
export { topics } from './site-apps/topics.ts'

export const about: TopologyAbout = {
  title: 'Site apps',
  description:
    'Consume and project: of large site objects only the installed apps are kept, by site and, turned around, by app. Change sites and watch both views follow.',
}

/** An object that is no site must not stop the views; it is dropped, and counted. */
export const config: Partial<StreamsConfig> = { deserializationErrorHandler: continueOnError }

/**
 * Consume and project: a service that many others ask publishes whole objects; this one keeps the slice it is
 * asked for, and answers from its own copy. `site-apps/project-sites.ts` is the projection,
 * `site-apps/service.ts` the reading side.
 */
export default buildTopology()
