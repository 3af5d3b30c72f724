/** An app's entries lie together, in the order of their sites. */
export function appSiteKey(appId: string, siteId: string): string {
  return `${appId}/${siteId}`
}

/** '' for what is no such key. */
export function appOfKey(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/')))
}

/** Before all app ids, none of which begins like that. */
const COUNT_PREFIX = '#/'
/** Behind every key that begins with `#/`. */
export const COUNT_RANGE = [COUNT_PREFIX, '#0'] as const

/** How many sites have the app stands beside the app's entries, in the same store. */
export function countKey(appId: string): string {
  return COUNT_PREFIX + appId
}

/** The app of such a key; undefined for the key of an entry. */
export function appOfCountKey(key: string): string | undefined {
  return key.startsWith(COUNT_PREFIX) ? key.slice(COUNT_PREFIX.length) : undefined
}
