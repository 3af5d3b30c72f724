import { getAllCountries } from 'countries-and-timezones'
import { serdes, VersionConflictError, type OpenedBroker, type TopicStore } from 'millrace'
import type { Country } from './records.ts'
import { TOPICS } from './topics.ts'

const SEED = 'countries'

/**
 * Fills `countries` from the package, once; a mark in a topic says so. A seeding that was killed is
 * completed: rows that are there stay as they are. None was deleted before, since a service writes only when
 * it has seeded.
 */
export async function seedCountries(
  countries: TopicStore<string, Country>,
  broker: OpenedBroker,
): Promise<void> {
  const seeds = broker.topic(TOPICS.seeds, {
    keySerde: serdes.string(),
    valueSerde: serdes.json<{ readonly rows: number }>(),
  })
  for await (const { key } of seeds.records({ follow: false })) if (key === SEED) return
  const rows = countryRows()
  await Promise.all(
    rows.map(([code, country]) => countries.put(code, country, { expectedVersion: 0 }).catch(unlessThere)),
  )
  await seeds.send(SEED, { rows: rows.length })
}

export function countryRows(): (readonly [code: string, country: Country])[] {
  return Object.values(getAllCountries()).map(({ id, name, timezones }) => [
    id,
    { name, timeZones: [...timezones].sort() },
  ])
}

function unlessThere(error: unknown): void {
  if (!(error instanceof VersionConflictError)) throw error
}
