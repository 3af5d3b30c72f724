import { serdes, stores, StreamsBuilder, type Topology } from 'millrace'
import { rowChanges, type RowChange } from '../processors/row-changes.ts'
import { countrySchema } from './country-schema.ts'
import type { Country, TimeZone } from './records.ts'
import { TOPICS } from './topics.ts'

type Zones = readonly string[]

/** That a country has a zone now, or has it no more. */
interface ZoneChange {
  readonly code: string
  readonly isThere: boolean
}

const keySerde = serdes.string()
const json = <V>() => ({ keySerde, valueSerde: serdes.json<V>() })
const zonesOfCountry = stores.keyValueStore<string, Zones>({
  name: 'zones-of-country',
  ...json<Zones>(),
  ranges: false,
})

/**
 * `countries` → changes of their zones → by zone, the countries that have it → `time-zones`, in transactions.
 *
 * A change of a country takes it from the zones that it has no more. `groupBy` of a table would do that by
 * itself, but gives each row one group, and a country has several zones.
 */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream<string | null, Country | null>(TOPICS.countries, {
      keySerde,
      valueSerde: serdes.json<Country>(countrySchema),
    })
    .mapValues(country => country && country.timeZones)
    .process(rowChanges(zonesOfCountry), { name: 'changes' })
    .flatMap(zoneChanges)
    .groupByKey({ name: 'zone-changes', ...json() })
    .aggregate<TimeZone | null>(() => null, changeZone, { storeName: 'countries-of-zone', ...json() })
    .toStream()
    .to(TOPICS.timeZones)
  return builder.build()
}

function zoneChanges({ before, after }: RowChange<Zones>, code: string): (readonly [string, ZoneChange])[] {
  const gone = before?.filter(zone => !after?.includes(zone)) ?? []
  const come = after?.filter(zone => !before?.includes(zone)) ?? []
  return [
    ...gone.map(zone => [zone, { code, isThere: false }] as const),
    ...come.map(zone => [zone, { code, isThere: true }] as const),
  ]
}

function changeZone(zone: TimeZone | null, { code, isThere }: ZoneChange): TimeZone | null {
  const others = zone?.countries.filter(other => other !== code) ?? []
  const countries = isThere ? [...others, code].sort() : others
  return countries.length > 0 ? { countries } : null
}
