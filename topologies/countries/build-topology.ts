import { serdes, StreamsBuilder, type Topology } from 'millrace'
import { countrySchema } from './country-schema.ts'
import { deriveTimeZones } from './derive-time-zones.ts'
import type { Country } from './records.ts'
import { TOPICS } from './topics.ts'

/** `countries` → `time-zones`, by one task in transactions. */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream<string, Country>(TOPICS.countries, {
      keySerde: serdes.string(),
      valueSerde: serdes.json<Country>(countrySchema),
    })
    .process(deriveTimeZones(), { name: 'derive' })
    .to(TOPICS.timeZones, { keySerde: serdes.string(), valueSerde: serdes.json() })
  return builder.build()
}
