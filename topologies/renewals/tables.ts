import {
  continueOnError,
  KafkaStreams,
  serdes,
  StreamsBuilder,
  type ServiceContext,
  type Topology,
} from 'millrace'
import type { Behaviour, Charge, Subscription } from './records.ts'
import { TOPICS } from './topics.ts'

/** Names of the stores. */
export const TABLES = {
  subscriptions: 'all-subscriptions',
  charges: 'charges',
  provider: 'provider',
} as const

/**
 * What the page and the provider know, whole and in memory: an application of their own, since the topology
 * has of the subscriptions only the parts of its tasks.
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
  const inMemory = { keySerde: serdes.string(), storeType: 'in-memory' } as const
  builder.globalTable(TOPICS.subscriptions, {
    ...inMemory,
    valueSerde: serdes.json<Subscription>(),
    storeName: TABLES.subscriptions,
  })
  builder.globalTable(TOPICS.charges, {
    ...inMemory,
    valueSerde: serdes.json<Charge>(),
    storeName: TABLES.charges,
  })
  builder.globalTable(TOPICS.provider, {
    ...inMemory,
    valueSerde: serdes.json<Behaviour>(),
    storeName: TABLES.provider,
  })
  return builder.build()
}
