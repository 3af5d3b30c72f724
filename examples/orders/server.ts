import { Hono } from 'hono'
import { KafkaStreams, type OpenedBroker } from 'millrace'
import { httpApp } from 'millrace/http'
import topology, { customerSerdes, orderSerdes, productSerdes, topics } from './orders.ts'

/**
 * Runs the application, and makes its routes: `PUT /orders/o1` writes, `GET /state/stores/order-views/o1`
 * reads.
 */
export async function openOrders(broker: OpenedBroker, stateDir: string) {
  const streams = new KafkaStreams(topology, { applicationId: 'orders', stateDir, topics }, { broker })
  await streams.start()
  const app = new Hono()
  const tables = {
    orders: broker.topic('orders', orderSerdes),
    customers: broker.topic('customers', customerSerdes),
    products: broker.topic('products', productSerdes),
  }
  for (const [name, table] of Object.entries(tables)) {
    app.put(`/${name}/:id`, async context => {
      await table.send(context.req.param('id'), await context.req.json())
      return context.body(null, 202)
    })
    app.delete(`/${name}/:id`, async context => {
      await table.send(context.req.param('id'), null)
      return context.body(null, 202)
    })
  }
  return { streams, app: app.route('/state', httpApp(streams)) }
}
