import type { StoredPosition } from './task-engines.ts'

/** The state of one store in an engine on disk. */
export interface StoredState {
  readonly position: StoredPosition | undefined
  readonly hasRows: boolean
  /** Whether the state lay there for so long that the topic may have lost deletions which it has not seen. */
  readonly isStale: boolean
  /** Id of the topic that was being filled anew from the state. */
  readonly refilling: string | undefined
  /** Whether the state is as of the group's committed offsets, neither behind nor ahead. */
  readonly isWhole: boolean
}

/** The present state of the store's changelog partition. */
export interface ChangelogState {
  readonly topicId: string | undefined
  readonly beginning: number
  readonly end: number
  /** Whether retention may leave nothing in the topic. */
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
 * How state on disk and its changelog fit. State is never given up for a topic that has nothing to put in its
 * place.
 */
export function fitOf(stored: StoredState, topic: ChangelogState): Fit {
  const { beginning, end } = topic
  const fromBeginning = { kind: 'replay', from: beginning } as const
  if (stored.refilling !== undefined) return refillAgain(stored, topic)
  // A topic that is not marked is not the former one, whatever is in it by now. A process that has the state
  // fills it, and marks it then.
  if (topic.isMarked === false) return { kind: stored.isWhole ? 'refill' : 'lost', why: MADE_ANEW }
  const why = misfit(stored, topic)
  if (why === undefined) return { kind: 'replay', from: stored.position?.offset ?? beginning }
  if (!stored.hasRows) return fromBeginning
  if (beginning < end) return { kind: 'rebuild', why }
  // All records of the topic have expired, and so has the state that they made.
  if (topic.expires && isSameTopic(stored.position, topic) && stored.position!.offset <= end)
    return { kind: 'replay', from: end }
  return { kind: stored.isWhole ? 'refill' : 'lost', why }
}

/**
 * The fit where a refill was interrupted: records in the topic are of that refill, as long as it is that very
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

/**
 * Whether the position is of this topic. An id that the broker does not tell, or that was not stored yet,
 * says nothing.
 */
function isSameTopic(position: StoredPosition | undefined, { topicId }: ChangelogState): boolean {
  const known = position?.topicId
  return position !== undefined && (known === undefined || topicId === undefined || known === topicId)
}
