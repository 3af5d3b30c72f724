import { systemRandom, type KafkaStreams, type RunningService, type ServiceContext } from 'millrace'
import { liveHub } from 'millrace/push'
import { Closing } from '../web/closing.ts'
import { HttpServer } from '../web/http-server.ts'
import { KeyValueTable } from '../web/key-value-table.ts'
import { serveApp } from '../web/serve-app.ts'
import { requireCompacted } from '../web/require-compacted.ts'
import { TopicWriter } from '../web/topic-writer.ts'
import { Board } from './board.ts'
import { Books } from './books.ts'
import { createApp } from './http/routes.ts'
import { Provider } from './provider.ts'
import { setProviderAddress } from './provider-address.ts'
import { publishState } from './publish-state.ts'
import type { Behaviour, Charge, Subscription } from './records.ts'
import { seedSubscriptions } from './seed.ts'
import { openTables, TABLES } from './tables.ts'
import { TOPICS } from './topics.ts'

/** The page, and the payment provider, which is another company's in real life. */
export async function service(
  streams: KafkaStreams,
  context: ServiceContext,
): Promise<RunningService & { readonly url: string }> {
  const closing = new Closing()
  const url = await closing.opening(() => open(streams, context, closing))
  context.logger.log('info', `renewals on ${url}`)
  return { url, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
}

async function open(streams: KafkaStreams, context: ServiceContext, closing: Closing): Promise<string> {
  const { clock, logger } = context
  await requireCompacted(context, [TOPICS.subscriptions, TOPICS.charges, TOPICS.provider])
  const tables = openTables(context)
  closing.add(() => tables.close())
  await tables.start()
  const table = async <V>(name: string, topic: string) =>
    new KeyValueTable<V>(tables, name, closing.use(await TopicWriter.open<V>(topic, context)))
  const charges = await table<Charge>(TABLES.charges, TOPICS.charges)
  const switches = await table<Behaviour>(TABLES.provider, TOPICS.provider)
  await seedSubscriptions(await table<Subscription>(TABLES.subscriptions, TOPICS.subscriptions))
  const provider = new Provider({ charges, switches, clock, random: systemRandom })
  const books = closing.use(await Books.open(tables))
  const board = new Board({ streams, provider, books, nowMs: () => clock.nowMs() })
  const app = createApp({ streams, provider, board, logger })
  const hub = liveHub({ clock })
  const url = await serveApp(app, { context, hub, closing })
  closing.use(publishState({ board, hub, clock, logger }))
  // The provider is another company: the site may have a guard, and a path, that it knows nothing of.
  const machine = new HttpServer(app.fetch, { host: '127.0.0.1', port: 0, clock })
  closing.add(() => machine.close())
  setProviderAddress(await machine.listen())
  closing.add(() => setProviderAddress(undefined))
  return url
}
