import { systemRandom, type Clock, type TopicStore } from 'millrace'
import { RequestError } from '../web/request-error.ts'
import type { Behaviour, Card, Charge, Mode, Renewal } from './records.ts'

const FAILING_SHARE = 0.3
const SLOW_MS = 2_000

export interface ProviderParts {
  /** By idempotency key. */
  readonly charges: TopicStore<string, Charge>
  readonly switches: TopicStore<string, Behaviour>
  readonly clock: Clock
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

  cardOf(customer: string): Card {
    return (this.#parts.switches.get(`card/${customer}`)?.is ?? 'good') as Card
  }

  /** Rejects with a `RequestError` for what is not charged. */
  async charge(customer: string, renewal: Renewal, key: string): Promise<Charge> {
    await this.#behave(customer)
    const charging = this.#underWay.get(key) ?? this.#charge(customer, renewal, key)
    this.#underWay.set(key, charging)
    try {
      const charge = await charging
      // An answer may be lost though the charge was made: the next try finds it.
      if (this.mode === 'failing' && fails()) throw unavailable('the answer was lost')
      return charge
    } finally {
      this.#underWay.delete(key)
    }
  }

  async #charge(customer: string, { cents, dueMs }: Renewal, key: string): Promise<Charge> {
    const { charges, clock } = this.#parts
    const charge = { customer, cents, dueMs, chargedMs: clock.nowMs() }
    if (!charges.has(key)) await charges.put(key, charge)
    return charges.get(key) ?? charge
  }

  async #behave(customer: string): Promise<void> {
    const { mode } = this
    const card = this.cardOf(customer)
    if (mode === 'down') throw unavailable('the provider is down')
    if (mode === 'slow') await this.#parts.clock.sleep(SLOW_MS)
    if (mode === 'failing' && fails()) throw unavailable('the provider has failed')
    if (card === 'failing') throw unavailable('the bank of this card does not answer')
    if (card === 'stolen') throw new RequestError(402, 'CARD_STOLEN', 'the card was reported stolen')
  }
}

function fails(): boolean {
  return systemRandom.next() < FAILING_SHARE
}

function unavailable(message: string): RequestError {
  return new RequestError(503, 'UNAVAILABLE', message)
}
