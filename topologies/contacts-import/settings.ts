/** What can be set for the import (`--set name=value`), besides the settings of the application. */
export interface ImportSettings {
  /**
   * How long the chunks of an upload that never ended are kept, from its last chunk on. Default 3,600,000.
   */
  readonly uploadExpiryMs: number
  /** How often a running import tells its progress. Default 200. */
  readonly progressIntervalMs: number
  /** How often chunks are released. Default 25. */
  readonly releaseIntervalMs: number
  /** How many chunks are released each time, by each task. Default 4, which is 2,000 rows. */
  readonly chunksPerRelease: number
}

const DEFAULTS: ImportSettings = {
  uploadExpiryMs: 3_600_000,
  progressIntervalMs: 200,
  releaseIntervalMs: 25,
  chunksPerRelease: 4,
}

/**
 * What `--set` gave, or the same as numbers. Throws for a name that is none of these, and for a value that is
 * no whole number above 0.
 */
export function importSettings(given: { readonly [name: string]: string | number } = {}): ImportSettings {
  const settings: { -readonly [name in keyof ImportSettings]: number } = { ...DEFAULTS }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new TypeError(`"${name}" is no setting of the import: it has ${Object.keys(DEFAULTS).join(', ')}`)
    }
    settings[name as keyof ImportSettings] = wholeNumber(name, value)
  }
  return settings
}

function wholeNumber(name: string, value: string | number): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new TypeError(`${name} is ${JSON.stringify(value)}: it must be a whole number above 0`)
}
