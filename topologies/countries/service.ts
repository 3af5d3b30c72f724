import type { KafkaStreams, RunningService, ServiceContext } from 'millrace'
import { liveHub, type LiveHub } from 'millrace/push'
import { Closing } from '../web/closing.ts'
import { serveApp } from '../web/serve-app.ts'
import { requireCompacted } from '../web/require-compacted.ts'
import { TopicWriter } from '../web/topic-writer.ts'
import { createApp, type LoadedTables } from './http/routes.ts'
import { KeyValueTable } from '../web/key-value-table.ts'
import type { Country, TimeZone } from './records.ts'
import { seedCountries } from './seed.ts'
import { openTables, TABLES } from './tables.ts'
import { TOPICS } from './topics.ts'

export interface CountriesService extends RunningService {
  readonly url: string
  /** The table as programs in this process use it. */
  readonly countries: KeyValueTable<Country>
}

/** Listens at once, answering 503; resolves when the tables are loaded, and seeded if they never were. */
export async function service(streams: KafkaStreams, context: ServiceContext): Promise<CountriesService> {
  const closing = new Closing()
  return closing.opening(async () => {
    await requireCompacted(context, Object.values(TOPICS))
    let loaded: LoadedTables | undefined = undefined
    const { clock, logger } = context
    const app = createApp({ tables: () => loaded, streams, clock, logger })
    const hub = liveHub({ clock })
    const url = await serveApp(app, { context, hub, closing })
    loaded = await load(context, hub, closing)
    logger.log('info', `countries on ${url}`)
    return { url, countries: loaded.countries, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
  })
}

async function load(context: ServiceContext, hub: LiveHub, closing: Closing): Promise<LoadedTables> {
  const tables = openTables(context)
  closing.add(() => tables.close())
  publishChanges(tables, hub, closing)
  await tables.start()
  await seedCountries(tables, context)
  const writer = closing.use(await TopicWriter.open<Country>(TOPICS.countries, context))
  const countries = new KeyValueTable(tables, TABLES.countries, writer)
  const timeZones = tables.store<string, TimeZone>(TABLES.timeZones)
  // What was seeded, here or by another process, belongs to what is loaded.
  await tables.caughtUp(TABLES.countries)
  return {
    get state() {
      return tables.state
    },
    countries,
    timeZones,
  }
}

/** Every page that is open hears of every change, by whomever it was made. */
function publishChanges(tables: KafkaStreams, hub: LiveHub, closing: Closing): void {
  for (const name of [TABLES.countries, TABLES.timeZones]) {
    const changes = tables.changes<string, object>(name)
    const subscription = changes.subscribe(({ key, value }) => hub.publish(`${name}/${key}`, value))
    closing.add(() => subscription.unsubscribe())
  }
}
