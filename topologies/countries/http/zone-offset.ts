const formats = new Map<string, Intl.DateTimeFormat | undefined>()

export function isTimeZone(zone: string): boolean {
  return formatOf(zone) !== undefined
}

/**
 * How far a zone is ahead of UTC now, such as `GMT+5:30`; undefined for one that this Node.js does not know.
 * Changes with daylight saving time.
 */
export function zoneOffset(zone: string, nowMs: number): string | undefined {
  const parts = formatOf(zone)?.formatToParts(nowMs)
  return parts?.find(({ type }) => type === 'timeZoneName')?.value
}

/** Making one takes longer than using it. Bounded by the zones there are, since others are not kept. */
function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  const known = formats.get(zone)
  if (known) return known
  try {
    const made = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'shortOffset' })
    formats.set(zone, made)
    return made
  } catch {
    return undefined
  }
}
