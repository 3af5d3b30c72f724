import {
  addKeyValueWriter,
  continueOnError,
  deriveStore,
  StreamsBuilder,
  type StreamsConfig,
  type TopologyAbout,
} from 'millrace'
import { countrySerde, type Country, type TimeZone } from './countries/records.ts'
import { TOPICS } from './countries/topics.ts'

export { service } from './countries/service.ts'
export { topics } from './countries/topics.ts'

export const about: TopologyAbout = {
  title: 'Countries and time zones',
  description:
    'In-memory key-value store: every process holds two tables in memory, and a write is visible when it is answered. Edit a country, and its time zones follow.',
  problem: [
    'Configuration is read a thousand times for each time that it is written, so it belongs into the memory of every process.',
    'Two people who edit the same row must not overwrite each other unseen: one writer decides on every write, by the version that its sender has seen.',
    'What follows from a table is derived by one topology, and no service writes it beside.',
  ],
}

/** What is no country must not stop the time zones; it is dropped, and counted. */
export const config: Partial<StreamsConfig> = { deserializationErrorHandler: continueOnError }

const builder = new StreamsBuilder()
addKeyValueWriter(builder, TOPICS.countries)
deriveStore<string, Country, string, string, TimeZone>(builder, {
  from: { topic: TOPICS.countries, valueSerde: countrySerde },
  to: { topic: TOPICS.timeZones },
  contributions: ({ timeZones }, code) => timeZones.map(zone => [zone, code]),
  combine: codes => ({ countries: codes }),
})

/**
 * In-memory key-value store: the single writer of `countries`, and `time-zones`, which follow from them.
 * Every process that opens one of them holds it whole; `countries/service.ts` is such a process.
 */
export default builder.build()
