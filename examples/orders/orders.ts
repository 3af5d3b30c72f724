import { serdes, StreamsBuilder } from 'millrace'

export interface Order {
  readonly customer: string
  readonly product: string
  readonly quantity: number
}

export interface Product {
  readonly title: string
  readonly cents: number
}

/** An order with what is known by now of its customer and product: null is not known yet, or no more. */
export interface OrderView {
  readonly customer: string | null
  readonly title: string | null
  readonly cents: number | null
}

const keySerde = serdes.string()
export const orderSerdes = { keySerde, valueSerde: serdes.json<Order>() }
export const customerSerdes = { keySerde, valueSerde: serdes.string() }
export const productSerdes = { keySerde, valueSerde: serdes.json<Product>() }

const builder = new StreamsBuilder()
const customers = builder.table('customers', customerSerdes)
const products = builder.table('products', productSerdes)

/** By order; told anew when the order changes, its customer is renamed, or its product gets another price. */
export const views = builder
  .table('orders', orderSerdes)
  .leftJoin(
    customers,
    order => order.customer,
    (order, customer) => ({ ...order, customer }),
    {
      valueSerde: serdes.json(),
    },
  )
  .leftJoin(
    products,
    order => order.product,
    ({ customer, quantity }, product): OrderView => ({
      customer,
      title: product?.title ?? null,
      cents: product && product.cents * quantity,
    }),
    { storeName: 'order-views', valueSerde: serdes.json() },
  )

/** What each customer has ordered, in cents: a view that changes takes back what it had added. */
export const revenue = views
  .groupBy(view => [view.customer ?? 'unknown', view], { keySerde, valueSerde: serdes.json() })
  .aggregate(
    {
      initializer: () => 0,
      adder: (sum, { cents }) => sum + (cents ?? 0),
      subtractor: (sum, { cents }) => sum - (cents ?? 0),
    },
    { storeName: 'revenue', valueSerde: serdes.int64() },
  )

export const topics = ['orders', 'customers', 'products'].map(topic => ({ topic, partitionCount: 4 }))
export default builder.build()
