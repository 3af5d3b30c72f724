import {
  continueOnError,
  serdes,
  StreamsBuilder,
  type IndexedKey,
  type KTable,
  type StreamsConfig,
  type Topology,
  type TopologyAbout,
} from 'millrace'
import type { AppSite, SiteApps, SiteMetadata } from './site-apps/records.ts'
import { siteSchema } from './site-apps/site-schema.ts'
import { TOPICS, VIEWS } from './site-apps/topics.ts'

export { audits } from './site-apps/audits.ts'
export { service } from './site-apps/service.ts'
export { topics } from './site-apps/topics.ts'

export const about: TopologyAbout = {
  title: 'Site apps',
  description:
    'Consume and project: of large site objects only the installed apps are kept, by site and, turned around, by app. Change sites and watch both views follow.',
  problem: [
    'A service that everybody asks for whole objects becomes a bottleneck.',
    'It publishes them once, and each reader projects the slice that it needs, in the order that it needs, and answers from its own copy.',
    'Each answer says how old it may be, and who has just written something asks for an answer that has it.',
  ],
}

/** An object that is no site must not stop the views; it is dropped, and counted. */
export const config: Partial<StreamsConfig> = { deserializationErrorHandler: continueOnError }

const keySerde = serdes.string()
const indexed = serdes.indexed(keySerde, keySerde)
const json = <V>() => ({ keySerde, valueSerde: serdes.json<V>() })

/**
 *     site-metadata → slices → site-apps  → a copy in every process
 *                       ↓ reverse index
 *                            → app-sites  → a copy in every process
 *                            → app-counts → a copy in every process
 *
 * An app that has gone, or a site that has, takes its entries out of the index in the same transactions.
 */
function siteApps(): Topology {
  const builder = new StreamsBuilder()
  const { slices, index } = project(builder)
  slices
    .changes()
    .mapValues(({ after }) => after)
    .to(TOPICS.sites, json())
  index.toStream().to(TOPICS.apps, { keySerde: indexed, valueSerde: serdes.json<AppSite | null>() })
  index
    .groupBy(({ version }, { indexKey }) => [indexKey, version], { name: 'by-app', ...json<string>() })
    .count({ storeName: 'counts', keySerde })
    .mapValues(sites => (sites > 0 ? { sites } : null))
    .toStream()
    .to(TOPICS.counts, json())
  builder.globalTable<string, SiteApps>(TOPICS.sites, { storeName: VIEWS.sites, ...json() })
  builder.globalTable<IndexedKey<string, string>, AppSite>(TOPICS.apps, {
    ...{ storeName: VIEWS.apps, keySerde: indexed, valueSerde: serdes.json<AppSite>() },
  })
  builder.globalTable(TOPICS.counts, { storeName: VIEWS.counts, ...json() })
  return builder.build()
}

/** What is kept of the sites, by site and by app. */
export function project(builder: StreamsBuilder): {
  readonly slices: KTable<string, SiteApps>
  readonly index: KTable<IndexedKey<string, string>, AppSite>
} {
  const slices = builder
    .table<string, SiteMetadata>(TOPICS.metadata, {
      keySerde,
      valueSerde: serdes.json<SiteMetadata>(siteSchema),
    })
    // The audit counts every revision: without the cache each goes on by itself.
    .mapValues(sliceOf, { storeName: 'installed-apps', caching: false, ...json<SiteApps>() })
  const index = slices.reverseIndex(({ apps }) => apps.map(({ appId }) => appId), {
    storeName: 'installations',
    indexKeySerde: keySerde,
    value: ({ name, apps }, _siteId, appId) => ({
      name,
      version: apps.find(app => app.appId === appId)!.version,
    }),
    valueSerde: serdes.json<AppSite>(),
  })
  return { slices, index }
}

/** Apps by their ids: the same installation is the same slice, whatever order its owner lists it in. */
function sliceOf({ name, revision, apps }: SiteMetadata): SiteApps {
  const sorted = apps.map(({ appId, version }) => ({ appId, version }))
  return { name, revision, apps: sorted.sort((left, right) => (left.appId < right.appId ? -1 : 1)) }
}

export default siteApps()
