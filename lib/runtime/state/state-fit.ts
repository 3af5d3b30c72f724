import type { StoredPosition } from './task-engines.ts'

/** What an engine on disk has of one store. */
export interface StoredState {
  readonly position: StoredPosition | undefined
  readonly hasRows: boolean
  /** It lay there for so long that the topic may have lost deletions which it has not seen. */
  readonly isStale: boolean
  /** The topic that it was about to fill anew. */
  readonly refilling: string | undefined
  /** It is what the group's committed offsets say, neither behind nor ahead. */
  readonly isWhole: boolean
}

/** The partition of its changelog now. */
export interface ChangelogState {
  readonly topicId: string | undefined
  readonly beginning: number
  readonly end: number
  /** Retention may leave nothing of it. */
  readonly expires: boolean
  /** Whether the committed offsets have their state in this very topic; undefined where they do not say. */
  readonly isMarked: boolean | undefined
}

/**
 * - `replay`: the state goes on from there.
 * - `rebuild`: it belongs to something else than this topic, which has records: it is cleared and restored
 *   from them.
 * - `refill`: the topic has lost its records, and the state is all that there was in them.
 * - `lost`: the topic has lost its records, and the state is not all that there was in them.
 */
export type Fit =
  | { readonly kind: 'replay'; readonly from: number }
  | { readonly kind: 'rebuild' | 'refill' | 'lost'; readonly why: string }

export const MADE_ANEW = 'it was deleted and made anew'

/**
 * Whether state on disk and its changelog belong together. State is never given up for a topic that has
 * nothing to put in its place.
 */
export function fitOf(stored: StoredState, topic: ChangelogState): Fit {
  const { beginning, end } = topic
  const fromBeginning = { kind: 'replay', from: beginning } as const
  if (stored.refilling !== undefined) return refillAgain(stored, topic)
  // Whatever is in it by now, it is not what was before. One who has the state fills it, and marks it then.
  if (topic.isMarked === false) return { kind: stored.isWhole ? 'refill' : 'lost', why: MADE_ANEW }
  const why = misfit(stored, topic)
  if (why === undefined) return { kind: 'replay', from: stored.position?.offset ?? beginning }
  if (!stored.hasRows) return fromBeginning
  if (beginning < end) return { kind: 'rebuild', why }
  // All of its records have expired, so what they had told has, too.
  if (topic.expires && isSameTopic(stored.position, topic) && stored.position!.offset <= end)
    return { kind: 'replay', from: end }
  return { kind: stored.isWhole ? 'refill' : 'lost', why }
}

/**
 * What is in the topic already is of the refill that did not come to its end, as long as it is that very
 * topic.
 */
function refillAgain(stored: StoredState, topic: ChangelogState): Fit {
  const why = 'it was being filled anew when the process ended'
  const isEmpty = topic.beginning >= topic.end
  if (stored.isWhole && (stored.refilling === topic.topicId || isEmpty || topic.isMarked === false))
    return { kind: 'refill', why }
  if (topic.isMarked === false) return { kind: 'lost', why }
  return { kind: isEmpty ? 'lost' : 'rebuild', why }
}

function misfit({ position, hasRows, isStale }: StoredState, topic: ChangelogState): string | undefined {
  const { beginning, end } = topic
  if (position === undefined) return hasRows ? 'the state has no position in it' : undefined
  const { offset } = position
  if (!isSameTopic(position, topic)) return MADE_ANEW
  if (offset > end) return `it ends at offset ${end}, and the state is at ${offset}`
  if (offset < beginning) return `it begins at offset ${beginning}, and the state is at ${offset}`
  if (hasRows && beginning >= end && !topic.expires) return 'it is empty'
  if (isStale && offset < end) return 'the state lay unused for longer than the topic keeps deletions'
  return undefined
}

/** Ids that a broker does not tell, or that were not stored yet, say nothing. */
function isSameTopic(position: StoredPosition | undefined, { topicId }: ChangelogState): boolean {
  const known = position?.topicId
  return position !== undefined && (known === undefined || topicId === undefined || known === topicId)
}
