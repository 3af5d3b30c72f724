/** Name of the operator that charges. */
export const CHARGE = 'charge'
export const SCHEDULE = 'renewal-run'

export interface Subscription {
  readonly name: string
  readonly plan: string
  readonly cents: number
}

/** A request to renew a subscription. */
export interface Renewal {
  readonly plan: string
  readonly cents: number
  /** The time of the schedule that it is for. */
  readonly dueMs: number
}

export interface Receipt extends Renewal {
  readonly chargedMs: number
}

/** How the provider behaves to all. */
export const MODES = ['up', 'failing', 'slow', 'down'] as const
export type Mode = (typeof MODES)[number]

/** How it behaves to one customer's card. */
export const CARDS = ['good', 'failing', 'stolen'] as const
export type Card = (typeof CARDS)[number]

/** Rows of the provider's switch: `mode` is for all, `card/<customer>` for one. */
export interface Behaviour {
  readonly is: Mode | Card
}

/** An entry of the provider's books, by idempotency key. */
export interface Charge {
  readonly customer: string
  readonly cents: number
  readonly dueMs: number
  readonly chargedMs: number
}
