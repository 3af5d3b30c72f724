import type { Logger } from '../../common/logger.ts'
import type { LetterActionResult, ReplayOptions } from '../../patterns/letters/letter-run.ts'
import { UsageError } from '../output/exit-code.ts'
import { print } from '../output/output.ts'
import { terminalProgress } from '../output/terminal.ts'
import type { LetterQuery } from './letter-query.ts'
import type { LetterText } from './letter-text.ts'

export interface LetterAction {
  readonly action: 'replay' | 'purge'
  readonly query: LetterQuery
  readonly options: Pick<ReplayOptions, 'dryRun' | 'force' | 'now'>
  readonly text: LetterText
  readonly logger: Logger
}

const DONE = { replay: 'replayed', purge: 'purged' } as const

/** Replays or purges, with a line of progress, and prints what was done. */
export async function actOnLetters(
  act: (options: ReplayOptions) => Promise<LetterActionResult>,
  { action, query, options, text, logger }: LetterAction,
): Promise<void> {
  let done: { readonly count: number; readonly total: number } | undefined
  const read = () => done && { count: done.count, share: done.count / Math.max(1, done.total) }
  const stopTelling = terminalProgress.add({ what: DONE[action], read }, logger)
  const result = await act({ ...options, onProgress: now => (done = now) }).finally(stopTelling)
  if (options.dryRun) for (const letter of result.letters) await print(text.row({ letter, state: 'open' }))
  await print(summary(action, result, options.dryRun ?? false))
  for (const { id } of result.homeless) {
    logger.log(
      'warn',
      `${id} cannot be replayed: its operator is gone, the topology does not read its topic, or a punctuator made it`,
    )
  }
  checkFound(query, result, action)
}

function summary(action: 'replay' | 'purge', { letters, left }: LetterActionResult, isDry: boolean): string {
  const count = `${letters.length.toLocaleString('en')} ${letters.length === 1 ? 'letter' : 'letters'}`
  const done = isDry ? `would be ${DONE[action]}; nothing is changed` : DONE[action]
  const others =
    left === 0
      ? ''
      : `; ${left.toLocaleString('en')} left alone, since they were replayed or purged before (--force takes them too)`
  return `${count} ${done}${others}\n`
}

/** A letter that is named and not there is a mistake; that a filter finds none is an answer. */
function checkFound(
  { ids }: LetterQuery,
  { letters, left, homeless }: LetterActionResult,
  action: string,
): void {
  const missing = new Set(ids).size - letters.length - left - homeless.length
  if (missing <= 0) return
  throw new UsageError(
    'UNKNOWN_LETTER',
    `${missing} of the letters to ${action} are not there: millrace dlq FILE list prints those there are`,
  )
}
