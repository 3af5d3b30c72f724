export interface Country {
  readonly name: string
  /** IANA names, such as `Africa/Juba`; each once, sorted. */
  readonly timeZones: readonly string[]
}

export interface TimeZone {
  /** Codes of the countries that have it, sorted; at least one. */
  readonly countries: readonly string[]
}

/** Says that a table was filled from the package, and with how many rows. */
export interface Seed {
  readonly rows: number
}
