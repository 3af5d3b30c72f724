import { serdes } from 'millrace'

export interface Country {
  readonly name: string
  /** IANA names, such as `Africa/Juba`; each once, sorted. */
  readonly timeZones: readonly string[]
}

export interface TimeZone {
  /** Codes of the countries that have it, sorted; at least one. */
  readonly countries: readonly string[]
}

const ZONES_MAX = 100

/** What a country must have, as a Standard Schema. */
export const countrySchema = {
  '~standard': {
    version: 1,
    vendor: 'millrace',
    validate(value: unknown): { readonly value: Country } | { readonly issues: [{ message: string }] } {
      const { name, timeZones } = (value ?? {}) as { readonly [field: string]: unknown }
      if (typeof name !== 'string' || name.trim() === '' || name.length > 100)
        return { issues: [{ message: 'name must be a text of 1 to 100 characters' }] }
      if (!Array.isArray(timeZones) || timeZones.length > ZONES_MAX || !timeZones.every(isZoneName)) {
        const message = `timeZones must be a list of at most ${ZONES_MAX} IANA names, such as "Africa/Juba"`
        return { issues: [{ message }] }
      }
      return { value: { name: name.trim(), timeZones: [...new Set(timeZones as string[])].sort() } }
    },
  },
} as const

/** Refuses whatever is no country. */
export const countrySerde = serdes.json<Country>(countrySchema)

/** The form of a name: what zones there are changes with the year, and is checked where they are typed in. */
function isZoneName(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(value)
}
