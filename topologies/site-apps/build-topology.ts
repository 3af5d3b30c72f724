import { serdes, Topology } from 'millrace'
import { projectSites, SINKS } from './project-sites.ts'
import type { SiteMetadata } from './records.ts'
import { siteSchema } from './site-schema.ts'
import { TOPICS } from './topics.ts'
import { appSitesView, FillAppSites, FillSiteApps, siteAppsView } from './views.ts'

const keySerde = serdes.string()
const json = <V>() => ({ keySerde, valueSerde: serdes.json<V>() })

/**
 *     site-metadata → project → site-apps → a copy in every process
 *                             → app-sites → a copy in every process
 */
export function buildTopology(): Topology {
  return new Topology()
    .addSource('metadata', {
      topics: [TOPICS.metadata],
      keySerde,
      valueSerde: serdes.json<SiteMetadata>(siteSchema),
    })
    .addProcessor('project', projectSites(), { parents: ['metadata'] })
    .addSink(SINKS.sites, { topic: TOPICS.sites, parents: ['project'], ...json() })
    .addSink(SINKS.apps, { topic: TOPICS.apps, parents: ['project'], ...json() })
    .addGlobalStore(siteAppsView, () => new FillSiteApps(), {
      topic: TOPICS.sites,
      sourceName: 'sites-source',
      processorName: 'sites-copy',
      ...json(),
    })
    .addGlobalStore(appSitesView, () => new FillAppSites(), {
      topic: TOPICS.apps,
      sourceName: 'apps-source',
      processorName: 'apps-copy',
      ...json(),
    })
}
