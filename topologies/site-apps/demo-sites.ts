import type { InstalledApp, SiteMetadata } from './records.ts'

const APPS = [
  'blog',
  'bookings',
  'chat',
  'donations',
  'events',
  'forum',
  'invoices',
  'loyalty',
  'members',
  'restaurants',
  'stores',
  'video',
] as const
const FIRST = ['Amber', 'Birch', 'Copper', 'Dune', 'Ember', 'Fjord', 'Grove', 'Harbour', 'Indigo', 'Juniper']
const SECOND = ['Bakery', 'Cycles', 'Dance', 'Foods', 'Gallery', 'Yoga', 'Music', 'Pottery', 'Travel', 'Vets']
const SITES = 200

/** A number from 0 up to but not including `below`. */
export type Pick = (below: number) => number

/**
 * A change of one site out of 200, made up: null takes it away. The rest of the object is what its owner
 * keeps, and nobody here needs.
 */
export function changeSite(
  pick: Pick,
  appsOf: (siteId: string) => readonly InstalledApp[] | undefined,
): readonly [siteId: string, site: SiteMetadata | null] {
  const number = pick(SITES)
  const siteId = `site-${String(number + 1).padStart(3, '0')}`
  const apps = appsOf(siteId)
  if (apps && pick(100) < 6) return [siteId, null]
  return [siteId, siteOf(siteId, number, changedApps(pick, apps ?? []))]
}

function changedApps(pick: Pick, apps: readonly InstalledApp[]): readonly InstalledApp[] {
  const appId = APPS[pick(APPS.length)] ?? APPS[0]
  const others = apps.filter(app => app.appId !== appId)
  const isThere = others.length < apps.length
  if (isThere && pick(2) === 0) return others
  if (apps.length > 5 && pick(2) === 0) return apps.slice(1)
  return [...others, { appId, version: `${1 + pick(4)}.${pick(10)}` }]
}

function siteOf(siteId: string, number: number, apps: readonly InstalledApp[]): SiteMetadata {
  const name = `${FIRST[number % FIRST.length]} ${SECOND[Math.floor(number / FIRST.length) % SECOND.length]}`
  const page = (at: number) => ({
    path: `/page-${at}`,
    title: `${name}, page ${at}`,
    robots: 'index,follow',
    blocks: at * 7,
  })
  return {
    siteId,
    name,
    owner: `owner-${number % 37}`,
    apps,
    locale: 'en',
    domains: [`${siteId}.example`, `www.${siteId}.example`],
    theme: { palette: ['#0b7a75', '#f4f6f7'], fonts: ['Inter', 'Lora'], spacing: 8, corners: 'round' },
    seo: { indexed: true, sitemap: `https://${siteId}.example/sitemap.xml` },
    pages: Array.from({ length: 12 }, (_, at) => page(at + 1)),
  }
}
