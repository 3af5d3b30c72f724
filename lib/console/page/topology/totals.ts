import type { Live, Plan } from '../core/api-types.ts'

/** Records a second that the sources take in. */
export function inputRate(plan: Plan | undefined, live: Live | undefined): number | undefined {
  if (!plan || !live) return undefined
  const sources = plan.subtopologies.flatMap(({ nodes }) => nodes.filter(({ kind }) => kind === 'source'))
  return sources.reduce((sum, { name }) => sum + (live.nodes[name]?.processRate ?? 0), 0)
}

/** Records that are behind the committed offsets of what the application reads; undefined: not known. */
export function totalLag(live: Live | undefined): number | undefined {
  if (!live) return undefined
  const known = Object.values(live.topics).flatMap(({ lag }) => (lag === null ? [] : [lag]))
  return known.length === 0 ? undefined : known.reduce((sum, lag) => sum + lag, 0)
}
