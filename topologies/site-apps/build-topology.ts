import { serdes, stores, StreamsBuilder, type Topology } from 'millrace'
import { rowChanges } from '../processors/row-changes.ts'
import { appSitesView, fillAppSites } from './app-sites-view.ts'
import { indexChanges, sliceOf } from './project-sites.ts'
import type { SiteApps, SiteMetadata } from './records.ts'
import { siteSchema } from './site-schema.ts'
import { TOPICS, VIEWS } from './topics.ts'

const keySerde = serdes.string()
const json = <V>() => ({ keySerde, valueSerde: serdes.json<V>() })
const installedApps = stores.keyValueStore<string, SiteApps>({
  name: 'installed-apps',
  ...json<SiteApps>(),
  ranges: false,
})

/**
 *     site-metadata → project → site-apps → a copy in every process
 *                             → app-sites → a copy in every process
 *
 * The slice of each site is kept, and so an app that has gone, or a site that has, takes its entries out of
 * the reverse index in the same transaction.
 */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder()
  const changes = builder
    .stream<string | null, SiteMetadata | null>(TOPICS.metadata, {
      keySerde,
      valueSerde: serdes.json<SiteMetadata>(siteSchema),
    })
    .mapValues(site => site && sliceOf(site))
    .process(rowChanges(installedApps), { name: 'project' })
  changes.mapValues(({ after }) => after).to(TOPICS.sites, json())
  changes.flatMap(indexChanges).to(TOPICS.apps, json())
  builder.globalTable<string, SiteApps>(TOPICS.sites, {
    name: VIEWS.sites,
    storeName: VIEWS.sites,
    ...json(),
  })
  builder.addGlobalStore(appSitesView, TOPICS.apps, fillAppSites(), { name: VIEWS.apps, ...json() })
  return builder.build()
}
