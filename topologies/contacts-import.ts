import { continueOnError, type StreamsConfig, type Topology, type TopologyAbout } from 'millrace'
import { importedOnce } from './contacts-import/audits.ts'
import { buildTopology } from './contacts-import/build-topology.ts'
import { importSettings } from './contacts-import/settings.ts'

export { service } from './contacts-import/service.ts'
export { topics } from './contacts-import/topics.ts'

export const about: TopologyAbout = {
  title: 'Contacts import',
  description:
    'Events end to end, and the aggregation of a batch: drop a CSV file and watch it being imported row by row; the completion comes once, with the right counts.',
}

export const audits = [importedOnce]

/** Foreign bytes in one of our topics must not stop the imports; they are dropped, and counted. */
export const config: Partial<StreamsConfig> = { deserializationErrorHandler: continueOnError }

/**
 * Contacts import: a browser uploads a CSV file, follows the import over a WebSocket and sees it complete,
 * while every row is imported exactly once. `contacts-import/build-topology.ts` has the stages,
 * `contacts-import/service.ts` the HTTP side.
 */
export default function contactsImport(
  settings: { readonly [name: string]: string | number } = {},
): Topology {
  return buildTopology(importSettings(settings))
}
