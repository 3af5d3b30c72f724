import { getAllCountries } from 'countries-and-timezones'

/**
 * Two maps of what every site and country was last set to, and all that follows from them, worked out the
 * plain way.
 */
export interface Site {
  readonly siteId: string
  readonly name: string
  readonly owner: string
  readonly revision: string
  readonly apps: readonly { readonly appId: string; readonly version: string }[]
  readonly rest: string
}

export interface Country {
  readonly name: string
  readonly timeZones: readonly string[]
}

type Random = () => number

const APPS = Array.from({ length: 20 }, (_, at) => `app-${at}`)
const ZONES = [...new Set(Object.values(getAllCountries()).flatMap(({ timezones }) => timezones))].slice(
  0,
  60,
)

export function packageCountries(): Map<string, Country> {
  return new Map(
    Object.values(getAllCountries()).map(({ id, name, timezones }) => [
      id,
      { name, timeZones: [...timezones].sort() },
    ]),
  )
}

/**
 * Null: a tombstone. Otherwise a whole new object whose apps are those before but for some that came or went.
 */
export function nextSite(siteId: string, before: Site | null | undefined, random: Random): Site | null {
  if (random() < 0.05) return null
  const apps = new Map(before?.apps.map(({ appId, version }) => [appId, version]))
  for (let change = Math.floor(random() * 3); change >= 0; change -= 1) {
    const appId = APPS[Math.floor(random() * APPS.length)]!
    if (apps.has(appId) && random() < 0.6) apps.delete(appId)
    else apps.set(appId, `${Math.floor(random() * 9)}`)
  }
  const name = random() < 0.1 || !before ? `name ${Math.floor(random() * 1000)}` : before.name
  const list = [...apps].map(([appId, version]) => ({ appId, version }))
  const revision = String(Math.floor(random() * 1e9))
  return { siteId, name, owner: 'o', revision, apps: list, rest: 'x'.repeat(Math.floor(random() * 200)) }
}

export function nextCountry(random: Random): Country | null {
  if (random() < 0.15) return null
  const zones = Array.from(
    { length: Math.floor(random() * 4) },
    () => ZONES[Math.floor(random() * ZONES.length)]!,
  )
  return { name: `country ${Math.floor(random() * 1000)}`, timeZones: [...new Set(zones)].sort() }
}

/** The views as key → JSON text, the texts with their lists sorted; entries of the index by `app/site`. */
export function expectedViews(
  sites: ReadonlyMap<string, Site | null>,
  countries: ReadonlyMap<string, Country | null>,
): {
  siteApps: Map<string, string>
  appSites: Map<string, string>
  counts: Map<string, string>
  timeZones: Map<string, string>
} {
  const siteApps = new Map<string, string>()
  const appSites = new Map<string, string>()
  const sitesOf = new Map<string, number>()
  for (const [siteId, site] of sites) {
    if (!site) continue
    const apps = [...site.apps].sort((left, right) => (left.appId < right.appId ? -1 : 1))
    siteApps.set(siteId, JSON.stringify({ name: site.name, revision: site.revision, apps }))
    for (const { appId, version } of apps) {
      appSites.set(`${appId}/${siteId}`, JSON.stringify({ name: site.name, version }))
      sitesOf.set(appId, (sitesOf.get(appId) ?? 0) + 1)
    }
  }
  const counts = new Map([...sitesOf].map(([appId, sites]) => [appId, JSON.stringify({ sites })]))
  const codes = new Map<string, string[]>()
  for (const [code, country] of countries) {
    for (const zone of country?.timeZones ?? []) codes.set(zone, [...(codes.get(zone) ?? []), code].sort())
  }
  const timeZones = new Map([...codes].map(([zone, list]) => [zone, JSON.stringify({ countries: list })]))
  return { siteApps, appSites, counts, timeZones }
}
