import { Buffer } from 'node:buffer'
import { readIndex, type IndexedKey, type KafkaStreams } from '../../lib/index.ts'
import type { AppSite, SiteApps } from '../../topologies/site-apps/records.ts'
import { ResultHash } from '../output.ts'
import { idOf, type SiteChanges } from './sites.ts'

/** Three numbers over what the views hold, whatever its order. */
export interface Answer {
  readonly sites: string
  readonly entries: string
  /** Apps, and how many sites have each. */
  readonly counts: string
}

/** Computed from the changes alone: the last one of each site decides. */
export function expectedAnswer(changes: SiteChanges): Answer {
  const last = Int32Array.from({ length: changes.sites }, (_, site) => site)
  for (let change = changes.sites; change < changes.total; change += 1) last[changes.siteOf(change)] = change
  const sites = new ResultHash()
  const entries = new ResultHash()
  const counts = new Map<string, number>()
  for (const [site, change] of last.entries()) {
    const apps = changes.appsAfter(site, change)
    if (apps === null) continue
    const siteId = idOf(site)
    const name = `Site ${site}`
    const sorted = [...apps].sort((left, right) => (left.appId < right.appId ? -1 : 1))
    add(sites, siteId, { name, revision: String(change), apps: sorted })
    for (const { appId, version } of apps) {
      add(entries, `${appId}/${siteId}`, { name, version })
      counts.set(appId, (counts.get(appId) ?? 0) + 1)
    }
  }
  return { sites: String(sites), entries: String(entries), counts: hashOf(counts) }
}

/** Read from the stores of the application. */
export async function shownAnswer(streams: KafkaStreams): Promise<Answer> {
  const sites = new ResultHash()
  const entries = new ResultHash()
  const apps = new Set<string>()
  const slices = streams.timestampedStore<string, SiteApps>('installed-apps')
  for await (const [siteId, { value }] of slices.all()) add(sites, siteId, value)
  const rows = streams.store<IndexedKey<string, string>, AppSite>('installations')
  for await (const [{ indexKey, key }, entry] of rows.all()) {
    add(entries, `${indexKey}/${key}`, entry)
    apps.add(indexKey)
  }
  const index = readIndex<string, string, AppSite>(streams, 'installations')
  const counts = new Map<string, number>()
  for (const appId of apps) counts.set(appId, await index.count(appId))
  return { sites: String(sites), entries: String(entries), counts: hashOf(counts) }
}

function hashOf(counts: ReadonlyMap<string, number>): string {
  const hash = new ResultHash()
  for (const [appId, count] of counts) add(hash, appId, count)
  return String(hash)
}

function add(hash: ResultHash, key: string, value: unknown): void {
  hash.add(Buffer.from(key), Buffer.from(JSON.stringify(value)))
}
