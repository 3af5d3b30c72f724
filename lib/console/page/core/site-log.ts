import { effect, signal } from '@preact/signals'
import type { Site } from './api-types.ts'
import { site } from './site-state.ts'
import { nowMs } from './time.ts'

export interface SiteEvent {
  readonly atMs: number
  readonly text: string
  readonly state: string
}

const KEPT = 100

/** What has changed on the site since the page was opened, newest first. */
export const siteLog = signal<readonly SiteEvent[]>([])

let before: Site | undefined

effect(() => {
  const after = site.value
  if (before && after) {
    const news = [...processNews(before, after), ...applicationNews(before, after)]
    if (news.length > 0) siteLog.value = [...news.reverse(), ...siteLog.peek()].slice(0, KEPT)
  }
  before = after
})

function processNews(old: Site, current: Site): SiteEvent[] {
  return current.processes.flatMap(({ index, state, pid, lastEnd }) => {
    const known = old.processes.find(each => each.index === index)
    const isEnded = lastEnd !== null && lastEnd.atMs !== known?.lastEnd?.atMs
    const how = lastEnd?.killedBy
      ? `was ended by ${lastEnd.killedBy}`
      : `ended with code ${lastEnd?.exitCode ?? '?'}`
    const end = isEnded ? [{ atMs: lastEnd.atMs, text: `Process ${index} ${how}`, state: 'stopped' }] : []
    if (known?.state === state) return end
    const now = {
      atMs: nowMs(),
      text: `Process ${index}${pid === null ? '' : ` (${pid})`} is ${state}`,
      state,
    }
    return [...end, now]
  })
}

function applicationNews(old: Site, current: Site): SiteEvent[] {
  return current.applications.flatMap(({ applicationId, title, state }) => {
    const known = old.applications.find(each => each.applicationId === applicationId)
    return known && known.state !== state
      ? [{ atMs: nowMs(), text: `${title} is ${state.toLowerCase()}`, state }]
      : []
  })
}
