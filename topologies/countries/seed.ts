import { Buffer } from 'node:buffer'
import { getAllCountries } from 'countries-and-timezones'
import { BrokerError, type KafkaStreams, type Producer, type ServiceContext } from 'millrace'
import type { Country, Seed } from './records.ts'
import { TABLES } from './tables.ts'
import { TOPICS } from './topics.ts'

const SEED = 'countries'

/**
 * Fills `countries` from the package, once: rows and the mark that says so are one transaction. Whoever comes
 * next, after a restart or at the same time, fences or waits out the one before, and finds the mark. What was
 * edited or deleted since stays so.
 */
export async function seedCountries(tables: KafkaStreams, context: ServiceContext): Promise<void> {
  const { broker, applicationId, logger, clock } = context
  const transactionalId = `${applicationId}-seed`
  const producer = await broker.producer({ clientId: transactionalId, transactionalId })
  try {
    // Ends what a process that died has left open: the mark is decided from here on.
    await producer.initTransactions()
    await tables.caughtUp(TABLES.seeds)
    if (tables.store<string, Seed>(TABLES.seeds).get(SEED)) return
    const rows = countryRows()
    await writeAll(producer, rows, clock.nowMs())
    logger.log('info', `${rows.length} countries were written to ${TOPICS.countries}`)
  } catch (error) {
    if (!(error instanceof BrokerError && error.class === 'fenced')) throw error
    logger.log('info', 'another process seeds the countries')
  } finally {
    await producer.close()
  }
}

export function countryRows(): (readonly [code: string, country: Country])[] {
  return Object.values(getAllCountries()).map(({ id, name, timezones }) => [
    id,
    { name, timeZones: [...timezones].sort() },
  ])
}

async function writeAll(
  producer: Producer,
  rows: readonly (readonly [string, Country])[],
  timestamp: number,
): Promise<void> {
  const send = (topic: string, key: string, value: object) =>
    producer.send({
      topic,
      partition: 0,
      key: Buffer.from(key, 'utf8'),
      value: Buffer.from(JSON.stringify(value), 'utf8'),
      timestamp,
      headers: [],
    })
  await producer.begin()
  for (const [code, country] of rows) send(TOPICS.countries, code, country)
  send(TOPICS.seeds, SEED, { rows: rows.length } satisfies Seed)
  await producer.commitTransaction()
}
