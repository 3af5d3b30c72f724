import type { InstalledApp, SiteMetadata } from './records.ts'

const APPS_MAX = 1000
const ID = /^[A-Za-z0-9._-]{1,64}$/

/** What a site must have, as a Standard Schema: `serdes.json` refuses everything else. */
export const siteSchema = {
  '~standard': {
    version: 1,
    vendor: 'millrace',
    validate(value: unknown): { readonly value: SiteMetadata } | { readonly issues: [{ message: string }] } {
      const issue = issueOf(value)
      return issue === undefined ? { value: value as SiteMetadata } : { issues: [{ message: issue }] }
    },
  },
} as const

function issueOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'a site must be an object'
  const { siteId, name, owner, revision, apps } = value as { readonly [name: string]: unknown }
  if (!isId(siteId)) return 'siteId must be 1 to 64 letters, digits, ".", "_" or "-"'
  for (const [field, text] of Object.entries({ name, owner, revision }))
    if (!isText(text)) return `${field} must be a text of 1 to 200 characters`
  if (!Array.isArray(apps) || apps.length > APPS_MAX) return `apps must be a list of at most ${APPS_MAX}`
  if (!apps.every(isApp)) return 'each of apps must have an appId (as siteId) and a version (a text)'
  if (new Set(apps.map(({ appId }) => appId)).size < apps.length) return 'apps must name each app once'
  return undefined
}

export function isId(text: unknown): text is string {
  return typeof text === 'string' && ID.test(text)
}

function isApp(value: unknown): value is InstalledApp {
  const { appId, version } = (value ?? {}) as { readonly [name: string]: unknown }
  return isId(appId) && isText(version)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 200
}
