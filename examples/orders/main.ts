import { serve } from '@hono/node-server'
import { openBroker } from 'millrace'
import { openOrders } from './server.ts'

const { MILLRACE_BROKERS = 'embedded', PORT = '8080' } = process.env
const broker = await openBroker(MILLRACE_BROKERS, { directory: 'data/broker' })
const { streams, app } = await openOrders(broker, 'data')
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(PORT) }, ({ port }) =>
  console.log(`listening on http://127.0.0.1:${port}`),
)
streams.closeOnSignals(async () => {
  server.close()
  await broker.close()
})
