import {
  continueOnError,
  KafkaStreams,
  serdes,
  StreamsBuilder,
  type ServiceContext,
  type Topology,
} from 'millrace'
import { countrySchema } from './country-schema.ts'
import type { Country, Seed, TimeZone } from './records.ts'
import { TOPICS } from './topics.ts'

/** Names of the stores. */
export const TABLES = { countries: 'countries', timeZones: 'time-zones', seeds: 'country-seeds' } as const

/**
 * The tables as a process holds them: all rows, in memory. An application of their own, as they would be in
 * any other service that wants them: one topology cannot read a topic both by its partitions and as a whole.
 */
export function openTables({ applicationId, stateDir, broker, clock, logger }: ServiceContext): KafkaStreams {
  const config = {
    applicationId: `${applicationId}-tables`,
    stateDir,
    deserializationErrorHandler: continueOnError,
  }
  return new KafkaStreams(tablesTopology(), config, { broker, clock, logger })
}

function tablesTopology(): Topology {
  const builder = new StreamsBuilder()
  const keySerde = serdes.string()
  const inMemory = { keySerde, storeType: 'in-memory' } as const
  builder.globalTable(TOPICS.countries, {
    ...inMemory,
    valueSerde: serdes.json<Country>(countrySchema),
    storeName: TABLES.countries,
  })
  builder.globalTable(TOPICS.timeZones, {
    ...inMemory,
    valueSerde: serdes.json<TimeZone>(),
    storeName: TABLES.timeZones,
  })
  builder.globalTable(TOPICS.seeds, {
    ...inMemory,
    valueSerde: serdes.json<Seed>(),
    storeName: TABLES.seeds,
  })
  return builder.build()
}
