import type { KafkaStreams, ReadOnlyKeyValueStore } from 'millrace'
import { pageOf, type Page } from '../../web/page-of.ts'
import type { AppCount } from '../app-sites-view.ts'
import { appOfCountKey, appSiteKey, COUNT_RANGE, countKey } from '../keys.ts'
import type { AppSite, SiteApps } from '../records.ts'
import { VIEWS } from '../topics.ts'

export interface ShownSite extends SiteApps {
  readonly siteId: string
}

export interface ShownApp extends AppCount {
  readonly appId: string
}

/** Reads from this process's copies of the views. */
export class Reads {
  readonly #sites: ReadOnlyKeyValueStore<string, SiteApps>
  readonly #apps: ReadOnlyKeyValueStore<string, AppSite | AppCount>

  constructor(streams: KafkaStreams) {
    this.#sites = streams.store(VIEWS.sites)
    this.#apps = streams.store(VIEWS.apps)
  }

  find(siteId: string): SiteApps | undefined {
    return this.#sites.get(siteId)
  }

  /** Sites behind `after`, by id. */
  async sites(after: string, limit: number): Promise<Page<ShownSite>> {
    const { items, next } = await pageOf(
      keyed(this.#sites.range(behind(after), undefined)),
      limit,
      () => true,
    )
    return { items, next }
  }

  /** How many sites have the app; 0 for one that nobody has. */
  sitesWith(appId: string): number {
    return (this.#apps.get(countKey(appId)) as AppCount | undefined)?.sites ?? 0
  }

  /** Sites that have the app, behind `after`, by id. */
  async sitesOf(appId: string, after: string, limit: number): Promise<Page<AppSite>> {
    const prefix = appSiteKey(appId, '')
    const entries = this.#apps.range(behind(prefix + after), undefined)
    return pageOf(entries, limit, key => key.startsWith(prefix)) as Promise<Page<AppSite>>
  }

  /** All apps that any site has, by id. */
  async apps(): Promise<ShownApp[]> {
    const apps: ShownApp[] = []
    for await (const [key, count] of this.#apps.range(...COUNT_RANGE)) {
      const appId = appOfCountKey(key)
      if (appId !== undefined) apps.push({ appId, ...(count as AppCount) })
    }
    return apps
  }
}

/** The first key behind this one. */
function behind(key: string): string {
  return key === '' ? '' : `${key}\0`
}

async function* keyed(
  entries: AsyncIterable<readonly [string, SiteApps]>,
): AsyncGenerator<readonly [string, ShownSite]> {
  for await (const [siteId, slice] of entries) yield [siteId, { siteId, ...slice }]
}
