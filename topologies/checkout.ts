import {
  serdes,
  stores,
  StreamsBuilder,
  type KeyValueStore,
  type ProcessorContext,
  type ProcessorSupplier,
  type Topology,
  type TopologyAbout,
} from 'millrace'
import type { Checkout, Delivery, Invoice, Purchase, Stock, StockChange } from './checkout/records.ts'
import { TOPICS } from './checkout/topics.ts'

export { audits } from './checkout/audits.ts'
export { service } from './checkout/service.ts'
export { topics } from './checkout/topics.ts'

export const about: TopologyAbout = {
  title: 'Checkout',
  description:
    'Events in transactions: each purchase is checked out, delivered, taken from the stock and invoiced exactly once, whatever ends in between.',
  problem: [
    'A checkout that is told twice means two deliveries and a wrong stock.',
    'Each step commits its outputs, its state and the offsets it has read in one transaction, so that a crash undoes all of them or none.',
    'Payments that are told again after a restart are left out by their id.',
  ],
}

const DAY_MS = 86_400_000
const keySerde = serdes.string()
const json = <V>() => ({ keySerde, valueSerde: serdes.json<V>() })

/**
 * Purchase → checkout → delivery, inventory and invoice, each with the offsets that it comes from in one
 * transaction: a reader of committed records sees each once.
 *
 * The payments may tell a purchase twice, after a restart or for an answer that was lost; the second is left
 * out by its id.
 */
export default function checkout(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(TOPICS.purchases, json<Purchase>())
    .deduplicate({ id: ({ purchaseId }) => purchaseId, windowMs: DAY_MS, name: 'told-once' })
    .mapValues(checkedOut)
    .to(TOPICS.checkouts, json<Checkout>())

  const checkouts = builder.stream(TOPICS.checkouts, json<Checkout>())
  checkouts.mapValues(deliveryOf).to(TOPICS.deliveries, json<Delivery>())
  checkouts.processValues(numbered, { name: 'number-invoices' }).to(TOPICS.invoices, json<Invoice>())

  const sales = checkouts.flatMap(({ items }) =>
    items.map(({ sku, quantity }) => [sku, { pieces: -quantity }] as const),
  )
  builder
    .stream(TOPICS.restocks, json<StockChange>())
    .merge(sales)
    .groupByKey({ name: 'stock-changes', ...json<StockChange>() })
    .aggregate<Stock>(() => ({ pieces: 0, sold: 0 }), changed, { storeName: 'stock', ...json<Stock>() })
    .toStream()
    .to(TOPICS.inventory)
  return builder.build()
}

function checkedOut(purchase: Purchase): Checkout {
  const totalCents = purchase.items.reduce((sum, { quantity, cents }) => sum + quantity * cents, 0)
  return { ...purchase, totalCents }
}

function deliveryOf({ customer, items }: Checkout): Delivery {
  return { customer, parcels: items.length }
}

function changed({ pieces, sold }: Stock, change: StockChange): Stock {
  return { pieces: pieces + change.pieces, sold: sold + Math.max(0, -change.pieces) }
}

const lastNumbers = stores.keyValueStore<string, number>({
  name: 'invoice-numbers',
  keySerde,
  valueSerde: serdes.int64(),
  ranges: false,
})

/**
 * Invoices are numbered without gaps, in a series for each partition: the last number changes together with
 * the invoice that has it.
 */
const numbered: ProcessorSupplier<string, Checkout, string, Invoice> = {
  stores: [lastNumbers],
  get() {
    let context: ProcessorContext<string, Invoice>
    let numbers: KeyValueStore<string, number>
    return {
      init(given) {
        context = given
        numbers = given.getStateStore(lastNumbers)
      },
      process(record) {
        const series = context.recordMetadata()?.partition ?? 0
        const count = (numbers.get('last') ?? 0) + 1
        numbers.put('last', count)
        const { customer, totalCents } = record.value
        context.forward(record.withValue({ customer, totalCents, number: `${series}-${count}` }))
      },
    }
  },
}
