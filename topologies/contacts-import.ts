import { continueOnError, type StreamsConfig, type Topology } from 'millrace'
import { buildTopology } from './contacts-import/build-topology.ts'
import { importSettings } from './contacts-import/settings.ts'

export { service } from './contacts-import/service.ts'
export { topics } from './contacts-import/topics.ts'

/** Foreign bytes in one of our topics must not stop the imports; they are dropped, and counted. */
export const config: Partial<StreamsConfig> = { deserializationErrorHandler: continueOnError }

/**
 * Contacts import: a browser uploads a CSV file, follows the import over a WebSocket and sees it complete, while every row is imported exactly
 * once. `contacts-import/build-topology.ts` has the stages, `contacts-import/service.ts` the HTTP side.
 */
export default function contactsImport(
  settings: { readonly [name: string]: string | number } = {},
): Topology {
  return buildTopology(importSettings(settings))
}
