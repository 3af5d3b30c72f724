import type { SessionWindows } from '../../../lib/dsl/windows/session-windows.ts'
import type { TimeWindows } from '../../../lib/dsl/windows/time-windows.ts'
import type { TimedRecord } from '../../support/windowed-run.ts'

/**
 * `key@start/end=value`: the values of the records in order of arrival, and for sessions of what was joined.
 */
export type FinalResult = string

interface Session {
  readonly key: string
  readonly startMs: number
  readonly endMs: number
  readonly value: string
}

/**
 * What each window holds that has closed when the last record has come: every record that came before its
 * window closed.
 */
export function closedTimeWindows(windows: TimeWindows, records: readonly TimedRecord[]): FinalResult[] {
  const { sizeMs, advanceMs, graceMs } = windows
  const values = new Map<string, { readonly endMs: number; readonly value: string }>()
  let closeMs = -Infinity
  for (const { key, value, timestamp } of records) {
    closeMs = Math.max(closeMs, timestamp - graceMs)
    const lastMs = timestamp - (timestamp % advanceMs)
    for (let startMs = lastMs; startMs >= 0 && startMs + sizeMs > timestamp; startMs -= advanceMs) {
      const endMs = startMs + sizeMs
      const name = `${key}@${startMs}/${endMs}`
      if (endMs > closeMs) values.set(name, { endMs, value: (values.get(name)?.value ?? '') + value })
    }
  }
  const closed = [...values].filter(([, { endMs }]) => endMs <= closeMs)
  return closed.map(([name, { value }]) => `${name}=${value}`).sort()
}

/** The same for sessions; what has closed is not joined any more. */
export function closedSessions(windows: SessionWindows, records: readonly TimedRecord[]): FinalResult[] {
  const { inactivityGapMs: gapMs, graceMs } = windows
  const results: FinalResult[] = []
  let open: Session[] = []
  let closeMs = -Infinity
  for (const { key, value, timestamp } of records) {
    closeMs = Math.max(closeMs, timestamp - gapMs - graceMs)
    const isNear = (session: Session) =>
      session.key === key && session.endMs >= timestamp - gapMs && session.startMs <= timestamp + gapMs
    const near = open.filter(isNear).sort((one, other) => one.endMs - other.endMs)
    const startMs = Math.min(timestamp, ...near.map(session => session.startMs))
    const endMs = Math.max(timestamp, ...near.map(session => session.endMs))
    if (endMs >= closeMs) {
      open = open.filter(session => !near.includes(session))
      open.push({ key, startMs, endMs, value: near.map(session => session.value).join('') + value })
    }
    for (const { key, startMs, endMs, value } of open.filter(session => session.endMs < closeMs)) {
      results.push(`${key}@${startMs}/${endMs}=${value}`)
    }
    open = open.filter(session => session.endMs >= closeMs)
  }
  return results.sort()
}
