import type { TimeWindow } from '../../common/windowed.ts'

/** A line break would break the table, an escape sequence the terminal. */
export function escapedCell(cell: string): string {
  return cell.replace(/[\u0000-\u001f\u007f-\u009f]/g, found => {
    const quoted = JSON.stringify(found).slice(1, -1)
    return quoted === found ? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}` : quoted
  })
}

/** Timestamps that are no date come from producers with other ideas. */
export function timeText(timestamp: number): string {
  const date = new Date(timestamp)
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString()
}

/** `2026-01-31T12:00:00.000Z/12:01:00.000Z`: the end without its day where that is the start's. */
export function windowText({ startMs, endMs }: TimeWindow): string {
  const [start, end] = [timeText(startMs), timeText(endMs)]
  const day = start.indexOf('T') + 1
  return `${start}/${day > 0 && end.startsWith(start.slice(0, day)) ? end.slice(day) : end}`
}

/** Rows of records, whose columns are as wide as most cells need: what comes next is not known. */
export function recordRow(cells: readonly string[], widths: readonly number[]): string {
  return `${cells
    .map((cell, at) => cell.padEnd(widths[at] ?? 0))
    .join('  ')
    .trimEnd()}\n`
}
