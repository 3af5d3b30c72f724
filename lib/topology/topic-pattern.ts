/**
 * Whether the whole name matches, as Java's `Matcher.matches`: a pattern for a part of a name would read
 * topics nobody meant.
 */
export function matchesTopic(pattern: RegExp, topic: string): boolean {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, '')).test(topic)
}

/** Two sources of equal patterns read the same topics. */
export function samePattern(left: RegExp | undefined, right: RegExp | undefined): boolean {
  return left?.source === right?.source && left?.flags === right?.flags
}
