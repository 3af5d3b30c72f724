export interface InstalledApp {
  readonly appId: string
  readonly version: string
}

/** A site as its owner publishes it, with much more than anybody here needs. */
export interface SiteMetadata {
  readonly siteId: string
  readonly name: string
  readonly owner: string
  /** Another one for each change. */
  readonly revision: string
  readonly apps: readonly InstalledApp[]
  readonly [other: string]: unknown
}

/** What is kept of a site. `apps` by app id. */
export interface SiteApps {
  readonly name: string
  readonly revision: string
  readonly apps: readonly InstalledApp[]
}

/** One entry of the reverse index, by app and site. */
export interface AppSite {
  readonly name: string
  readonly version: string
}

/** How many sites have an app. */
export interface AppCount {
  readonly sites: number
}
