import { dateTime, duration } from '../core/format.ts'

/** When a schedule fires, in words. */
export function definitionText(definition: Readonly<Record<string, unknown>>): string {
  const { cron, timeZone, everyMs, at } = definition
  if (typeof cron === 'string') return typeof timeZone === 'string' ? `${cron}, ${timeZone}` : cron
  if (typeof everyMs === 'number') return `every ${duration(everyMs)}`
  if (at !== undefined) return `once, at ${typeof at === 'number' ? dateTime(at) : String(at)}`
  return JSON.stringify(definition)
}
