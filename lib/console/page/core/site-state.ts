import { computed, signal } from '@preact/signals'
import { ApiError, request } from './api.ts'
import type { Application, Site } from './api-types.ts'
import { openEvents, type StreamState } from './event-stream.ts'
import { after } from './time.ts'

export const site = signal<Site | undefined>(undefined)
export const siteLink = signal<StreamState>('connecting')
/** Why the site cannot be read at all, such as that a token is needed. */
export const siteError = signal<ApiError | undefined>(undefined)

/** The process whose absence the page is told of; undefined: all are there. */
export const absentProcess = computed(() =>
  site.value?.processes.find(({ state }) => state === 'restarting' || state === 'starting'),
)

export const applicationOf = (applicationId: string): Application | undefined =>
  site.value?.applications.find(each => each.applicationId === applicationId)

/** Reads the site once, so that an error is known by its code, and then follows it while the page lives. */
export function followSite(): void {
  void readSite()
  openEvents({
    path: 'api/site/events',
    on: { site: data => (site.value = data as Site) },
    onState: state => {
      siteLink.value = state
      if (state === 'open') siteError.value = undefined
    },
  })
}

async function readSite(): Promise<void> {
  try {
    site.value = await request<Site>('api/site')
    siteError.value = undefined
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    siteError.value = error
    if (error.isPassing) after(1_000, () => void readSite())
  }
}
