import type { Clock, Random } from 'millrace'
import type { KeyValueTable } from '../web/key-value-table.ts'
import { RequestError } from '../web/request-error.ts'
import type { Behaviour, Card, Charge, Mode, Renewal } from './records.ts'

const FAILING_SHARE = 0.3
const SLOW_MS = 2_000

export interface ProviderParts {
  /** By idempotency key. */
  readonly charges: KeyValueTable<Charge>
  readonly switches: KeyValueTable<Behaviour>
  readonly clock: Clock
  readonly random: Random
}

/**
 * A payment provider as one finds them: it may be slow, fail or be away, and charges once for an idempotency
 * key, however often it is asked.
 */
export class Provider {
  readonly #parts: ProviderParts
  readonly #underWay = new Map<string, Promise<Charge>>()

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  get mode(): Mode {
    return (this.#parts.switches.get('mode')?.is ?? 'up') as Mode
  }

  async setMode(is: Mode): Promise<void> {
    await this.#parts.switches.put('mode', { is })
  }

  cardOf(customer: string): Card {
    return (this.#parts.switches.get(`card/${customer}`)?.is ?? 'good') as Card
  }

  async setCard(customer: string, is: Card): Promise<void> {
    await this.#parts.switches.put(`card/${customer}`, { is })
  }

  /** Rejects with a `RequestError` for what is not charged. */
  async charge(customer: string, renewal: Renewal, key: string): Promise<Charge> {
    await this.#behave(customer)
    const charging = this.#underWay.get(key) ?? this.#charge(customer, renewal, key)
    this.#underWay.set(key, charging)
    try {
      const charge = await charging
      // An answer may be lost though the charge was made: the next try finds it.
      if (this.mode === 'failing' && this.#fails()) throw unavailable('the answer was lost')
      return charge
    } finally {
      this.#underWay.delete(key)
    }
  }

  async #charge(customer: string, { cents, dueMs }: Renewal, key: string): Promise<Charge> {
    const { charges, clock } = this.#parts
    const known = charges.get(key)
    if (known) return known
    const charge = { customer, cents, dueMs, chargedMs: clock.nowMs() }
    await charges.put(key, charge)
    return charge
  }

  async #behave(customer: string): Promise<void> {
    const { mode } = this
    const card = this.cardOf(customer)
    if (mode === 'down') throw unavailable('the provider is down')
    if (mode === 'slow') await this.#parts.clock.sleep(SLOW_MS)
    if (mode === 'failing' && this.#fails()) throw unavailable('the provider has failed')
    if (card === 'failing') throw unavailable('the bank of this card does not answer')
    if (card === 'stolen') throw new RequestError(402, 'CARD_STOLEN', 'the card was reported stolen')
  }

  #fails(): boolean {
    return this.#parts.random.next() < FAILING_SHARE
  }
}

function unavailable(message: string): RequestError {
  return new RequestError(503, 'UNAVAILABLE', message)
}
