import type { KafkaStreams, TopicStore, WaitingRecord } from 'millrace'
import type { Provider } from './provider.ts'
import { CHARGE, type Card, type Charge, type Mode, type Subscription } from './records.ts'

/** What the page shows. */
export interface State {
  readonly nowMs: number
  readonly mode: Mode
  readonly charges: number
  readonly customers: readonly CustomerState[]
}

export interface CustomerState extends Subscription {
  readonly id: string
  readonly card: Card
  readonly charges: number
  /** Renewals that wait, as far as this process has them, the first of them first. */
  readonly waiting: readonly WaitingState[]
}

export type WaitingState = Pick<WaitingRecord, 'state' | 'attempts' | 'dueMs'> & {
  readonly error: string | undefined
}

/** Charges by customer: counted as they come, since there are ever more. */
export class ChargeCount {
  readonly #byCustomer = new Map<string, number>()

  /** Of a store that is ready; ends with it. */
  constructor(charges: TopicStore<string, Charge>) {
    for (const { customer } of charges.values()) this.#add(customer)
    charges.changes.subscribe(({ value, oldValue }) => value && !oldValue && this.#add(value.customer))
  }

  of(customer: string): number {
    return this.#byCustomer.get(customer) ?? 0
  }

  #add(customer: string): void {
    this.#byCustomer.set(customer, this.of(customer) + 1)
  }
}

export function customersOf(
  subscriptions: TopicStore<string, Subscription>,
  parts: { readonly streams: KafkaStreams; readonly provider: Provider; readonly counts: ChargeCount },
): CustomerState[] {
  const waiting = parts.streams.waitingRecords({ operator: CHARGE }).sort(byOffset)
  return [...subscriptions.entries()]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([id, subscription]) => ({
      id,
      ...subscription,
      card: parts.provider.cardOf(id),
      charges: parts.counts.of(id),
      waiting: waiting
        .filter(({ key }) => key === id)
        .map(({ state, attempts, dueMs, lastError }) => ({
          state,
          attempts,
          dueMs,
          error: lastError?.message,
        })),
    }))
}

/** Ids end with the offset; records of one customer are of one partition. */
function byOffset(left: WaitingRecord, right: WaitingRecord): number {
  return offsetOf(left) - offsetOf(right)
}

function offsetOf({ id }: WaitingRecord): number {
  return Number(id.slice(id.lastIndexOf('-') + 1))
}
