const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const tenth = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })
const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const minuteOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayAndTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** What stands where a number is not known. */
export const UNKNOWN = '–'

type Known = number | null | undefined

export const count = (value: Known): string => (isNumber(value) ? whole.format(value) : UNKNOWN)

export const short = (value: Known): string =>
  !isNumber(value) ? UNKNOWN : Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value)

export const rate = (value: Known): string => {
  if (!isNumber(value)) return UNKNOWN
  if (value > 0 && value < 0.1) return '<0.1/s'
  return `${value < 10 ? tenth.format(value) : short(value)}/s`
}

export function bytes(value: Known): string {
  if (!isNumber(value)) return UNKNOWN
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const at = value < 1_000 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), units.length - 1)
  const scaled = value / 1_000 ** at
  return `${scaled < 10 && at > 0 ? tenth.format(scaled) : whole.format(scaled)} ${units[at]}`
}

export function duration(value: Known): string {
  if (!isNumber(value)) return UNKNOWN
  const ms = Math.max(0, value)
  if (ms < 10) return `${tenth.format(ms)} ms`
  if (ms < 1_000) return `${whole.format(ms)} ms`
  if (ms < 60_000) return `${tenth.format(ms / 1_000)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${whole.format(Math.floor((ms % 60_000) / 1_000))} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}

/** 12:03:41. */
export const clockTime = (ms: Known): string => (isNumber(ms) ? timeOfDay.format(ms) : UNKNOWN)

/** 12:03. */
export const minute = (ms: Known): string => (isNumber(ms) ? minuteOfDay.format(ms) : UNKNOWN)

/** 28 Nov 2026, 12:03:41; the far ends of time, which mean "never", are no dates. */
export const dateTime = (ms: Known): string =>
  isNumber(ms) && Math.abs(ms) < 8.64e15 ? dayAndTime.format(ms) : UNKNOWN

export function ago(ms: Known, now: number): string {
  if (!isNumber(ms)) return UNKNOWN
  const past = now - ms
  return past < 0 ? `in ${duration(-past)}` : past < 1_000 ? 'just now' : `${duration(past)} ago`
}

/** A key or value in one line. */
export function oneLine(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export const plural = (amount: number, noun: string, nouns = `${noun}s`): string =>
  `${whole.format(amount)} ${amount === 1 ? noun : nouns}`

const isNumber = (value: Known): value is number => typeof value === 'number' && Number.isFinite(value)
