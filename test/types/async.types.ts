import { Record, serdes, type KStream, type KTable } from '../../lib/index.ts'

// Compiled, never run: what must be inferred is used, what must be refused stands behind @ts-expect-error.

interface Order {
  readonly customer: string
  readonly amount: number
}

declare const orders: KStream<string, Order>

const priced = orders.mapValuesAsync(async order => ({ ...order, price: order.amount * 2 }))
export const pricedOrders: KStream<string, Order & { price: number }> = priced

export const counted: KTable<string, number, never> = orders
  .flatMapValuesAsync(async (order, key, { signal, idempotencyKey }) => {
    const request: { key: string; signal: AbortSignal; id: string | undefined } = {
      key,
      signal,
      id: idempotencyKey,
    }
    return [request.key, order.customer]
  })
  .groupByKey({ keySerde: serdes.string() })
  .count()

export const rekeyed: KStream<number, string> = orders.processAsync<number, string>(() => ({
  process: async (record, { topic }) => new Record(record.value.amount, topic ?? '', record.timestamp),
}))

// @ts-expect-error a callback that is not asynchronous belongs in mapValues
orders.mapValuesAsync(order => order.amount)
// @ts-expect-error several values are an iterable
orders.flatMapValuesAsync(async order => order.amount)
// @ts-expect-error the serde of the inputs, not of the results
orders.mapValuesAsync(async order => order.amount, { valueSerde: serdes.int64() })
// @ts-expect-error there is no such order
orders.mapValuesAsync(async order => order.amount, { order: 'value' })
orders.processAsync<string, string>(() => ({
  // @ts-expect-error an asynchronous processor has no stores
  init: context => context.getStateStore('x'),
  process: async () => [],
}))
// @ts-expect-error it forwards records
orders.processAsync<string, string>(() => ({ process: async () => 'value' }))
