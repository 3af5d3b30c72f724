import type { RowChange } from '../processors/row-changes.ts'
import { appSiteKey } from './keys.ts'
import type { AppSite, SiteApps, SiteMetadata } from './records.ts'

/** Apps by their ids: the same installation is the same slice, whatever order its owner lists it in. */
export function sliceOf({ name, apps }: SiteMetadata): SiteApps {
  const sorted = apps.map(({ appId, version }) => ({ appId, version }))
  return { name, apps: sorted.sort((left, right) => (left.appId < right.appId ? -1 : 1)) }
}

/** Entries of the reverse index to write; null takes one out. */
export function indexChanges(
  { before, after }: RowChange<SiteApps>,
  siteId: string,
): (readonly [key: string, entry: AppSite | null])[] {
  const had = entriesOf(siteId, before)
  const has = entriesOf(siteId, after)
  const gone = [...had.keys()].filter(key => !has.has(key))
  const changed = [...has].filter(([key, entry]) => JSON.stringify(had.get(key)) !== JSON.stringify(entry))
  return [...gone.map(key => [key, null] as const), ...changed]
}

function entriesOf(siteId: string, slice: SiteApps | null): Map<string, AppSite> {
  if (slice === null) return new Map()
  const { name, apps } = slice
  return new Map(apps.map(({ appId, version }) => [appSiteKey(appId, siteId), { siteId, name, version }]))
}
