import { serdes, type IsolationLevel, type OpenedBroker } from 'millrace'
import type { Checkout, Delivery, Invoice, Purchase } from './records.ts'
import { TOPICS } from './topics.ts'

/** Orders that are shown: the newest. */
const ORDERS_MAX = 12
/** Orders that are known, so that what comes for one later finds it. */
const KNOWN_MAX = 5_000

/** How far an order is: how often each of its events was seen. */
export interface OrderState {
  readonly orderId: string
  readonly customer: string
  told: number
  checkouts: number
  deliveries: number
  invoice: string | null
}

export interface BoardState {
  readonly purchases: number
  readonly toldAgain: number
  readonly checkouts: number
  readonly deliveries: number
  readonly invoices: number
  /** Checkouts that were begun and undone: only a reader of uncommitted records has seen them. */
  readonly undone: number
  readonly orders: readonly OrderState[]
}

/**
 * Follows the topics as any other service would, and says what it has seen: nothing of it is the engine's
 * word.
 */
export class OrderBoard {
  readonly #orders = new Map<string, OrderState>()
  readonly #stop = new AbortController()
  readonly #following: Promise<void>[] = []
  readonly #onChange: () => void
  #purchases = 0
  #toldAgain = 0
  #checkouts = 0
  #checkoutsBegun = 0
  #deliveries = 0
  #invoices = 0

  /** `onFailure`: called where a topic cannot be followed any more. */
  constructor(broker: OpenedBroker, onChange: () => void, onFailure: (error: unknown) => void) {
    this.#onChange = onChange
    const follow = <V>(topic: string, isolation: IsolationLevel, take: (orderId: string, value: V) => void) =>
      this.#following.push(this.#follow(broker, topic, isolation, take).catch(onFailure))
    follow<Purchase>(TOPICS.purchases, 'read_committed', (id, { customer }) => {
      const order = this.#orders.get(id)
      if (order) order.told += 1
      else this.#add({ orderId: id, customer, told: 1, checkouts: 0, deliveries: 0, invoice: null })
      this.#purchases += 1
      if (order) this.#toldAgain += 1
    })
    follow<Checkout>(TOPICS.checkouts, 'read_committed', id => {
      this.#checkouts += 1
      this.#change(id, order => (order.checkouts += 1))
    })
    follow<Checkout>(TOPICS.checkouts, 'read_uncommitted', () => (this.#checkoutsBegun += 1))
    follow<Delivery>(TOPICS.deliveries, 'read_committed', id => {
      this.#deliveries += 1
      this.#change(id, order => (order.deliveries += 1))
    })
    follow<Invoice>(TOPICS.invoices, 'read_committed', (id, { number }) => {
      this.#invoices += 1
      this.#change(id, order => (order.invoice = number))
    })
  }

  get state(): BoardState {
    return {
      purchases: this.#purchases,
      toldAgain: this.#toldAgain,
      checkouts: this.#checkouts,
      deliveries: this.#deliveries,
      invoices: this.#invoices,
      undone: Math.max(0, this.#checkoutsBegun - this.#checkouts),
      orders: [...this.#orders.values()].slice(-ORDERS_MAX).reverse(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#following)
  }

  async #follow<V>(
    broker: OpenedBroker,
    topic: string,
    isolation: IsolationLevel,
    take: (orderId: string, value: V) => void,
  ): Promise<void> {
    const handle = broker.topic(topic, { keySerde: serdes.string(), valueSerde: serdes.json<V>() })
    for await (const { key, value } of handle.records({ isolation, signal: this.#stop.signal })) {
      if (key !== null && value !== null) take(key, value)
      this.#onChange()
    }
  }

  #add(order: OrderState): void {
    this.#orders.set(order.orderId, order)
    const [oldest] = this.#orders.keys()
    if (this.#orders.size > KNOWN_MAX && oldest !== undefined) this.#orders.delete(oldest)
  }

  #change(orderId: string, change: (order: OrderState) => void): void {
    const order = this.#orders.get(orderId)
    if (order) change(order)
  }
}
