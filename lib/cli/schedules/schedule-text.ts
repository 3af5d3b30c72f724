import { Buffer } from 'node:buffer'
import type { ListedSchedule } from '../../patterns/schedules/schedule-reader.ts'
import { escapedCell, timeText } from '../records/record-table.ts'

export const SCHEDULE_HEADING = ['ID', 'WHEN', 'NEXT', 'LAST', 'PAUSED', 'SOURCE']

export function scheduleRow(schedule: ListedSchedule): string[] {
  const { id, paused, source, isTaken } = schedule
  // The application has not told how far it is.
  const last = isTaken ? time(schedule.lastMs) : '?'
  return [id, when(schedule), time(schedule.nextMs), last, paused ? noteText(paused) : '-', source].map(
    escapedCell,
  )
}

/** All that is known, as JSON has it. */
export function plainSchedule(schedule: ListedSchedule): object {
  const { nextMs, lastMs, paused, to, ...others } = schedule
  return {
    ...others,
    next: nextMs === undefined ? null : timeText(nextMs),
    last: lastMs === undefined ? null : timeText(lastMs),
    paused: paused ? { ...paused, at: timeText(paused.at) } : false,
    ...(to && { to: { sink: to.sink, key: plain(to.key), value: plain(to.value) } }),
  }
}

function when({ definition }: ListedSchedule): string {
  if ('cron' in definition) return `${definition.cron} ${definition.timeZone}`
  if ('everyMs' in definition) return `every ${definition.everyMs} ms`
  return `at ${new Date(definition.at).toISOString()}`
}

function time(ms: number | undefined): string {
  return ms === undefined ? '-' : timeText(ms)
}

function noteText({ by, reason }: { readonly by: string; readonly reason: string }): string {
  return reason === '' ? `by ${by}` : `by ${by}: ${reason}`
}

/** Bytes in base64 as text where they are text. */
function plain(base64: string | null): unknown {
  if (base64 === null) return null
  const bytes = Buffer.from(base64, 'base64')
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? text : { base64 }
}
