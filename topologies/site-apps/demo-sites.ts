import { randomUUID } from 'node:crypto'
import type { InstalledApp, SiteMetadata } from './records.ts'

const APPS =
  'blog bookings chat donations events forum invoices loyalty members restaurants stores video'.split(' ')
const FIRST = 'Amber Birch Copper Dune Ember Fjord Grove Harbour Indigo Juniper'.split(' ')
const SECOND = 'Bakery Cycles Dance Foods Gallery Yoga Music Pottery Travel Vets'.split(' ')
const SITES = 200

const pick = (below: number) => Math.floor(Math.random() * below)

/** A change of one site out of 200, made up: null takes it away. */
export function changeSite(
  appsOf: (siteId: string) => readonly InstalledApp[] | undefined,
): readonly [siteId: string, site: SiteMetadata | null] {
  const number = pick(SITES)
  const siteId = `site-${String(number + 1).padStart(3, '0')}`
  const apps = appsOf(siteId)
  if (apps && pick(100) < 6) return [siteId, null]
  const name = `${FIRST[number % FIRST.length]} ${SECOND[Math.floor(number / FIRST.length) % SECOND.length]}`
  return [siteId, siteOf(siteId, { name, apps: changedApps(apps ?? []) })]
}

/** A whole object. What only its owner needs is most of it. */
function siteOf(
  siteId: string,
  { name, apps }: { readonly name: string; readonly apps: readonly InstalledApp[] },
): SiteMetadata {
  const pages = Array.from({ length: 12 }, (_, at) => ({
    ...{ path: `/page-${at + 1}`, title: `${name}, page ${at + 1}`, robots: 'index,follow', blocks: at * 7 },
  }))
  const theme = { palette: ['#0b7a75', '#f4f6f7'], fonts: ['Inter', 'Lora'], spacing: 8, corners: 'round' }
  return { siteId, name, owner: 'demo', revision: randomUUID(), apps, locale: 'en', theme, pages }
}

function changedApps(apps: readonly InstalledApp[]): readonly InstalledApp[] {
  const appId = APPS[pick(APPS.length)]!
  const others = apps.filter(app => app.appId !== appId)
  if (others.length < apps.length && pick(2) === 0) return others
  if (apps.length > 5 && pick(2) === 0) return apps.slice(1)
  return [...others, { appId, version: `${1 + pick(4)}.${pick(10)}` }]
}
