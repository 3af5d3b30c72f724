import type { KafkaStreams, LetterReason, WaitingRecord } from 'millrace'
import type { Books } from './books.ts'
import type { Provider } from './provider.ts'
import { CHARGE, SCHEDULE, type Card, type Mode, type Subscription } from './records.ts'

/** What the page shows. */
export interface State {
  readonly nowMs: number
  readonly provider: { readonly mode: Mode; readonly charges: number }
  readonly schedule: { readonly nextMs: number | undefined; readonly isPaused: boolean }
  readonly customers: readonly CustomerState[]
  readonly letters: readonly LetterState[]
}

export interface CustomerState extends Subscription {
  readonly id: string
  readonly card: Card
  readonly charges: number
  readonly isPaused: boolean
  /** Renewals that wait, the first of them first. */
  readonly waiting: readonly WaitingState[]
}

export type WaitingState = Pick<WaitingRecord, 'id' | 'state' | 'attempts' | 'dueMs'> & {
  readonly error: string | undefined
}

export interface LetterState {
  readonly id: string
  readonly customer: string
  readonly reason: LetterReason
  readonly attempts: number
  readonly error: string
  readonly givenUpMs: number
}

export interface BoardParts {
  readonly streams: KafkaStreams
  readonly provider: Provider
  readonly books: Books
  readonly nowMs: () => number
}

const LETTERS_MAX = 50
const LETTERS_EVERY_MS = 2_000

/** Puts together what is known of renewals: of what waits, as far as this process has it. */
export class Board {
  readonly #parts: BoardParts
  #letters: readonly LetterState[] = []
  #lettersMs = -Infinity

  constructor(parts: BoardParts) {
    this.#parts = parts
  }

  /** The next look reads the dead letters anew: something was done about them. */
  lettersChanged(): void {
    this.#lettersMs = -Infinity
  }

  async state(): Promise<State> {
    const { streams, provider, books, nowMs } = this.#parts
    const [schedule, paused, letters] = await Promise.all([
      this.#schedule(),
      this.#paused(),
      this.#readLetters(),
    ])
    const waiting = byCustomer(streams.waitingRecords({ operator: CHARGE }))
    const customers: CustomerState[] = []
    for await (const [id, subscription] of books.subscriptions()) {
      customers.push({
        id,
        ...subscription,
        card: provider.cardOf(id),
        charges: books.chargesOf(id),
        isPaused: paused.has(id),
        waiting: (waiting.get(id) ?? []).sort(byOffset).map(waitingState),
      })
    }
    return {
      nowMs: nowMs(),
      provider: { mode: provider.mode, charges: books.charges },
      schedule,
      customers: customers.sort((left, right) => (left.id < right.id ? -1 : 1)),
      letters,
    }
  }

  async #schedule(): Promise<State['schedule']> {
    const schedules = await this.#parts.streams.schedules().list()
    const found = schedules.find(({ id }) => id === SCHEDULE)
    return { nextMs: found?.nextMs, isPaused: found?.paused !== undefined }
  }

  async #paused(): Promise<ReadonlySet<unknown>> {
    const commands = await this.#parts.streams.control().list()
    return new Set(commands.filter(command => command.do === 'pause').map(({ target }) => target.key))
  }

  async #readLetters(): Promise<readonly LetterState[]> {
    const { streams, nowMs } = this.#parts
    if (nowMs() - this.#lettersMs < LETTERS_EVERY_MS) return this.#letters
    this.#lettersMs = nowMs()
    const found: LetterState[] = []
    for await (const { letter } of streams.deadLetters().list({ operator: CHARGE })) {
      const { id, key, reason, attempts, lastError, lastFailedMs: givenUpMs } = letter
      const customer = key ? new TextDecoder().decode(key) : ''
      found.push({ id, customer, reason, attempts, error: lastError.message, givenUpMs })
    }
    this.#letters = found.sort((left, right) => right.givenUpMs - left.givenUpMs).slice(0, LETTERS_MAX)
    return this.#letters
  }
}

function byCustomer(records: readonly WaitingRecord[]): Map<string, WaitingRecord[]> {
  const found = new Map<string, WaitingRecord[]>()
  for (const record of records) {
    const customer = String(record.key)
    const others = found.get(customer)
    if (others) others.push(record)
    else found.set(customer, [record])
  }
  return found
}

function waitingState({ id, state, attempts, dueMs, lastError }: WaitingRecord): WaitingState {
  return { id, state, attempts, dueMs, error: lastError?.message }
}

/** Ids end with the offset; records of one customer are of one partition. */
function byOffset(left: WaitingRecord, right: WaitingRecord): number {
  return offsetOf(left) - offsetOf(right)
}

function offsetOf({ id }: WaitingRecord): number {
  return Number(id.slice(id.lastIndexOf('-') + 1))
}
