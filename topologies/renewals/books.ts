import type { KafkaStreams, ReadOnlyKeyValueStore } from 'millrace'
import type { Charge, Subscription } from './records.ts'
import { TABLES } from './tables.ts'

/** Who subscribes, and what was charged: counted as it comes, since there are ever more charges. */
export class Books implements Disposable {
  readonly #subscriptions: ReadOnlyKeyValueStore<string, Subscription>
  readonly #byCustomer = new Map<string, number>()
  readonly #keys = new Set<string>()
  readonly #unsubscribe: () => void

  private constructor(tables: KafkaStreams) {
    this.#subscriptions = tables.store<string, Subscription>(TABLES.subscriptions)
    const changes = tables.changes<string, Charge>(TABLES.charges)
    const subscription = changes.subscribe(({ key, value }) => this.#count(key, value))
    this.#unsubscribe = () => subscription.unsubscribe()
  }

  /** Of tables that are loaded. */
  static async open(tables: KafkaStreams): Promise<Books> {
    const books = new Books(tables)
    for await (const [key, charge] of tables.store<string, Charge>(TABLES.charges).all())
      books.#count(key, charge)
    return books
  }

  subscriptions(): AsyncIterable<readonly [string, Subscription]> {
    return this.#subscriptions.all()
  }

  get charges(): number {
    return this.#keys.size
  }

  chargesOf(customer: string): number {
    return this.#byCustomer.get(customer) ?? 0
  }

  [Symbol.dispose](): void {
    this.#unsubscribe()
  }

  #count(key: string, charge: Charge | null): void {
    if (!charge || this.#keys.has(key)) return
    this.#keys.add(key)
    this.#byCustomer.set(charge.customer, this.chargesOf(charge.customer) + 1)
  }
}
