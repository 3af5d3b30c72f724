import {
  serdes,
  stores,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type ProcessorSupplier,
  type Record,
} from 'millrace'
import type { Country, TimeZone } from './records.ts'

const zonesOfCountry = stores.keyValueStore<string, readonly string[]>({
  name: 'zones-of-country',
  keySerde: serdes.string(),
  valueSerde: serdes.json(),
  ranges: false,
})
const countriesOfZone = stores.keyValueStore<string, readonly string[]>({
  name: 'countries-of-zone',
  keySerde: serdes.string(),
  valueSerde: serdes.json(),
  ranges: false,
})

/**
 * Keyed by country. A time zone is there while any country has it. What comes twice, or changes no time zone,
 * writes nothing; what it writes is in one transaction with what it keeps, so no crash leaves a zone without
 * its country.
 */
class DeriveTimeZones implements Processor<string, Country | null, string, TimeZone | null> {
  #context: ProcessorContext<string, TimeZone | null> | undefined
  #zones: KeyValueStore<string, readonly string[]> | undefined
  #countries: KeyValueStore<string, readonly string[]> | undefined

  init(context: ProcessorContext<string, TimeZone | null>): void {
    this.#context = context
    this.#zones = context.getStateStore(zonesOfCountry.name)
    this.#countries = context.getStateStore(countriesOfZone.name)
  }

  process(record: Record<string | null, Country | null>): void {
    const { key: code, value } = record
    if (code === null) {
      const { metrics, taskId } = this.#context!
      metrics.meter('dropped-records', { 'task-id': taskId }, 'stream-task-metrics').add()
      return
    }
    const before = this.#zones!.get(code) ?? []
    const after = value?.timeZones ?? []
    this.#zones!.put(code, after.length > 0 ? after : null)
    for (const zone of before) if (!after.includes(zone)) this.#change(record, zone, without(code))
    for (const zone of after) if (!before.includes(zone)) this.#change(record, zone, including(code))
  }

  #change(
    cause: Record<unknown, unknown>,
    zone: string,
    change: (codes: readonly string[]) => string[],
  ): void {
    const countries = change(this.#countries!.get(zone) ?? [])
    const isLeft = countries.length > 0
    this.#countries!.put(zone, isLeft ? countries : null)
    this.#context!.forward(cause.withKey(zone).withValue(isLeft ? { countries } : null))
  }
}

export function deriveTimeZones(): ProcessorSupplier<string, Country | null, string, TimeZone | null> {
  return { get: () => new DeriveTimeZones(), stores: [zonesOfCountry, countriesOfZone] }
}

const without = (code: string) => (codes: readonly string[]) => codes.filter(other => other !== code)
const including = (code: string) => (codes: readonly string[]) => [...new Set([...codes, code])].sort()
