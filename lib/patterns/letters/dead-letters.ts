import type { TopicPartitionOffset } from '../../broker/broker.ts'
import { ConfigError } from '../../common/errors/errors.ts'
import { nearest } from '../../common/nearest-name.ts'
import type { Letter } from '../../processor/letter.ts'
import { isOf, type LetterBox } from './letter-box.ts'
import { isWanted, type LetterFilter } from './letter-filter.ts'
import { LetterLedger, type LedgerEntry } from './letter-ledger.ts'
import {
  LetterRun,
  type LetterActionOptions,
  type LetterActionResult,
  type LetterClients,
  type ReplayOptions,
} from './letter-run.ts'
import { readLetters } from './read-letters.ts'

export interface DeadLettersOptions extends LetterClients {
  readonly boxes: readonly LetterBox[]
}

/** A letter, and what was done about it. */
export interface ListedLetter {
  readonly letter: Letter
  /** `open`: nothing yet. */
  readonly state: 'open' | LedgerEntry['action']
  /** Undefined where nothing was done. */
  readonly done: LedgerEntry | undefined
  /** Where the letter itself lies. */
  readonly place: TopicPartitionOffset
}

/**
 * The dead letters of an application's operators: looks at them, has them processed again, or does away with
 * them. What is done about a letter stands in a ledger, in the transaction that does it: so doing it twice is
 * doing it once, whoever asks.
 *
 * Faults: a crash leaves whole transactions, and the next call goes on behind them. Of two that act on one
 * operator's letters at once the later one fences the earlier (`REPLAY_FENCED`), then reads the ledger. A
 * commit without an answer is decided about by whoever comes next.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions

  constructor(options: DeadLettersOptions) {
    this.#options = options
  }

  /** Operators with retry, by name. */
  get operators(): readonly string[] {
    return this.#options.boxes.flatMap(({ name, isShared }) => (isShared ? [] : [name]))
  }

  /** In order within an operator's partition. `all`: also those that were replayed or purged. */
  async *list(
    filter: LetterFilter = {},
    { all = false }: { readonly all?: boolean } = {},
  ): AsyncGenerator<ListedLetter, void, undefined> {
    const { applicationId } = this.#options
    const boxes = this.#boxesOf(filter)
    const clients = { ...this.#options, admin: await this.#options.admin() }
    const ledger = await LetterLedger.read(applicationId, clients)
    for (const box of boxes) {
      for await (const stored of readLetters(box.topic, clients)) {
        const { letter } = stored
        const done = ledger.about(box.name, stored)
        if (!isOf(applicationId, box, letter) || !isWanted(letter, filter)) continue
        const place = { topic: box.topic, partition: stored.partition, offset: stored.offset }
        if (all || !done) yield { letter, state: done?.action ?? 'open', done, place }
      }
    }
  }

  /**
   * Has letters processed again, in their order, by the operators that gave them up, with the place, time,
   * headers and idempotency key of their records. Resolves when all of them are on their way.
   */
  async replay(filter: LetterFilter, options: ReplayOptions = {}): Promise<LetterActionResult> {
    return this.#act('replayed', filter, options, box => this.#mayReplay(box, filter))
  }

  /**
   * Does away with letters: they are listed no more, and the topic's records are deleted as far as nothing
   * else lies before them.
   */
  async purge(filter: LetterFilter, options: LetterActionOptions = {}): Promise<LetterActionResult> {
    return this.#act('purged', filter, options)
  }

  async #act(
    action: LedgerEntry['action'],
    filter: LetterFilter,
    options: ReplayOptions,
    mayAct: (box: LetterBox) => boolean = () => true,
  ): Promise<LetterActionResult> {
    const letters: Letter[] = []
    const homeless: Letter[] = []
    let left = 0
    for (const box of this.#boxesOf(filter).filter(mayAct)) {
      const run = new LetterRun({ ...this.#options, action, box, filter, options, before: letters.length })
      const result = options.dryRun ? await run.plan() : await run.act()
      letters.push(...result.letters)
      homeless.push(...result.homeless)
      left += result.left
      if (this.#options.signal?.aborted) break
    }
    return { letters, left, homeless }
  }

  /** Letters that are named, and whose operator is gone, are told of as homeless. */
  #mayReplay({ name, isGone = false }: LetterBox, { operator, ids }: LetterFilter): boolean {
    if (!isGone || operator === undefined) return !isGone || ids !== undefined
    throw new ConfigError(
      'OPERATOR_GONE',
      `the topology has no operator ${name} any more: nothing would take its letters again. They can be listed and purged`,
    )
  }

  /** Throws `NO_OPERATOR_WITH_RETRY` and `UNKNOWN_OPERATOR`. */
  #boxesOf({ operator }: LetterFilter): readonly LetterBox[] {
    const { applicationId, boxes } = this.#options
    if (boxes.length === 0) {
      throw new ConfigError(
        'NO_OPERATOR_WITH_RETRY',
        `no operator of ${applicationId} has retry, and it has no deadLetterQueueTopic: there are no dead letters`,
      )
    }
    if (operator === undefined) return boxes
    // The application's box has letters of any node.
    const found = boxes.filter(({ name, isShared }) => isShared || name === operator)
    if (found.length > 0) return found
    const guess = nearest(operator, this.operators)
    const hint = guess === undefined ? `it has ${this.operators.join(', ')}` : `did you mean ${guess}?`
    throw new ConfigError('UNKNOWN_OPERATOR', `no operator with retry is called ${operator}; ${hint}`)
  }
}
