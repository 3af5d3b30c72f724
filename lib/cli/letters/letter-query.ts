import { InvalidArgumentError } from 'commander'
import type { Clock } from '../../common/clock.ts'
import type { Letter } from '../../processor/letter.ts'
import type { LetterFilter } from '../../patterns/letters/letter-filter.ts'
import { parseTime } from '../options/option-values.ts'
import type { LetterText } from './letter-text.ts'

/** A time, or how long it is ago. */
export type Moment = { readonly ageMs: number } | { readonly timeMs: number }

/** Which letters a command line asks for. */
export interface LetterQuery extends Pick<LetterFilter, 'operator' | 'error' | 'reason'> {
  readonly ids: readonly string[]
  /** As it is printed. */
  readonly key?: string
  readonly since?: Moment
  readonly before?: Moment
}

const UNITS_MS: { readonly [unit: string]: number } = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

export function parseMoment(text: string): Moment {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  if (count !== undefined) return { ageMs: Number(count) * (UNITS_MS[unit] ?? 0) }
  const timeMs = parseTime(text)
  if (timeMs !== undefined) return { timeMs }
  throw new InvalidArgumentError(
    'It must be an age such as 30m, 2h or 7d, or a time such as 2026-01-31T12:00.',
  )
}

/** Whether nothing is said about which letters. */
export function asksForAll({ ids, operator, key, error, reason, since, before }: LetterQuery): boolean {
  const said = [operator, key, error, reason, since, before]
  return ids.length === 0 && said.every(each => each === undefined)
}

export function filterOf(query: LetterQuery, text: LetterText, clock: Pick<Clock, 'nowMs'>): LetterFilter {
  const { ids, operator, key, error, reason, since, before } = query
  const timeOf = (moment: Moment) => ('ageMs' in moment ? clock.nowMs() - moment.ageMs : moment.timeMs)
  return {
    operator,
    error,
    reason,
    ids: ids.length > 0 ? ids : undefined,
    sinceMs: since && timeOf(since),
    untilMs: before && timeOf(before),
    where: key === undefined ? undefined : (letter: Letter) => text.keyText(letter) === key,
  }
}
