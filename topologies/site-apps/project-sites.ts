import {
  serdes,
  stores,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type ProcessorSupplier,
  type Record,
} from 'millrace'
import { appSiteKey } from './keys.ts'
import type { AppSite, InstalledApp, SiteApps, SiteMetadata } from './records.ts'

/** Names of the nodes that what comes out goes to. */
export const SINKS = { sites: 'sites-sink', apps: 'apps-sink' } as const

type Out = SiteApps | AppSite | null

const sliceStore = stores.keyValueStore<string, SiteApps>({
  name: 'installed-apps',
  keySerde: serdes.string(),
  valueSerde: serdes.json(),
  ranges: false,
})

/**
 * Keyed by site. Keeps the slice of each site, and so knows from each new object what has changed: an app
 * that has gone, or a site that has, takes its entries out of the reverse index in the same transaction. What
 * changes nothing, such as a record that comes twice, writes nothing.
 */
class ProjectSites implements Processor<string, SiteMetadata | null, string, Out> {
  #context: ProcessorContext<string, Out> | undefined
  #slices: KeyValueStore<string, SiteApps> | undefined

  init(context: ProcessorContext<string, Out>): void {
    this.#context = context
    this.#slices = context.getStateStore(sliceStore.name)
  }

  process(record: Record<string | null, SiteMetadata | null>): void {
    const { key: siteId, value } = record
    if (siteId === null) {
      const { metrics, taskId } = this.#context!
      metrics.meter('dropped-records', { 'task-id': taskId }, 'stream-task-metrics').add()
      return
    }
    const before = this.#slices!.get(siteId) ?? null
    const after = value === null ? null : sliceOf(value)
    if (JSON.stringify(before) === JSON.stringify(after)) return
    this.#slices!.put(siteId, after)
    this.#context!.forward(record.withKey(siteId).withValue(after), SINKS.sites)
    for (const [key, entry] of indexChanges(siteId, before, after)) {
      this.#context!.forward(record.withKey(key).withValue(entry), SINKS.apps)
    }
  }
}

export function projectSites(): ProcessorSupplier<string, SiteMetadata | null, string, Out> {
  return { get: () => new ProjectSites(), stores: [sliceStore] }
}

/** Apps by their ids: the same installation is the same slice, whatever order its owner lists it in. */
export function sliceOf({ name, apps }: SiteMetadata): SiteApps {
  const sorted = apps.map(({ appId, version }) => ({ appId, version }))
  return { name, apps: sorted.sort((left, right) => (left.appId < right.appId ? -1 : 1)) }
}

/** Entries of the reverse index to write; null takes one out. */
function indexChanges(
  siteId: string,
  before: SiteApps | null,
  after: SiteApps | null,
): (readonly [key: string, entry: AppSite | null])[] {
  const had = entriesOf(siteId, before)
  const has = entriesOf(siteId, after)
  const gone = [...had.keys()].filter(key => !has.has(key))
  const changed = [...has].filter(([key, entry]) => JSON.stringify(had.get(key)) !== JSON.stringify(entry))
  return [...gone.map(key => [key, null] as const), ...changed]
}

function entriesOf(siteId: string, slice: SiteApps | null): Map<string, AppSite> {
  const entry = ({ appId, version }: InstalledApp) =>
    [appSiteKey(appId, siteId), { siteId, name: slice!.name, version }] as const
  return new Map(slice?.apps.map(entry))
}
