import { murmur2 } from '../../lib/common/hash/murmur2.ts'
import type { InstalledApp, SiteMetadata } from '../../topologies/site-apps/records.ts'

const APPS_EACH = 10
const APPS = 1_000
/** Of a hundred changes. */
const TOMBSTONES = 10
/** Behind those: apps go, and nothing comes. */
const REMOVALS = 50
const REST = 'what only its owner needs; '.repeat(12)

export interface Change {
  readonly siteId: string
  /** null: the site is deleted. */
  readonly site: SiteMetadata | null
}

/**
 * Sites and their changes, each computed from its number alone: the first `sites` changes make one site each,
 * and half as many after them change, shrink or delete random ones.
 */
export class SiteChanges {
  readonly sites: number
  readonly total: number

  constructor(sites: number) {
    this.sites = sites
    this.total = sites + Math.floor(sites / 2)
  }

  at(change: number): Change {
    const site = this.siteOf(change)
    const siteId = idOf(site)
    const apps = this.appsAfter(site, change)
    const revision = String(change)
    const whole = { siteId, name: `Site ${site}`, owner: 'o', revision, rest: REST }
    return { siteId, site: apps && { ...whole, apps } }
  }

  siteOf(change: number): number {
    return change < this.sites ? change : randomOf(change, 0, this.sites)
  }

  /** What the site has after that change of it; null: it is deleted. */
  appsAfter(site: number, change: number): readonly InstalledApp[] | null {
    const start = randomOf(site, 1, APPS)
    // A stride that is prime to APPS names no app twice.
    const appId = (at: number) => `app-${(start + at * 37) % APPS}`
    const installed = (from: number, to: number, version: number) =>
      Array.from({ length: to - from }, (_, at) => ({ appId: appId(from + at), version: `1.${version}` }))
    if (change < this.sites) return installed(0, APPS_EACH, 0)
    const kind = randomOf(change, 2, 100)
    const step = randomOf(change, 3, APPS_EACH)
    if (kind < TOMBSTONES) return null
    if (kind < TOMBSTONES + REMOVALS) return installed(step, APPS_EACH, 0)
    return [...installed(step, APPS_EACH, step), ...installed(APPS_EACH, APPS_EACH + step, 1)]
  }
}

export function idOf(site: number): string {
  return `site-${String(site).padStart(7, '0')}`
}

const seed = new Uint32Array(2)
const seedBytes = new Uint8Array(seed.buffer)

function randomOf(number: number, salt: number, below: number): number {
  seed[0] = number
  seed[1] = salt
  return (murmur2(seedBytes) >>> 0) % below
}
