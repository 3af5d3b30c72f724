import { nearest } from '../common/nearest-name.ts'
import { badParameter } from './http-error.ts'

/**
 * ISO 8601 with a date, as `Date.parse` reads it the same everywhere: a time without a zone would mean the
 * server's.
 */
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/

/**
 * The parameters of a request's query. One that is unknown, or there twice, is refused: a filter that is
 * misspelt must not be left out in silence.
 */
export class Query {
  readonly #values = new Map<string, string>()

  constructor(given: { readonly [name: string]: readonly string[] }, known: readonly string[]) {
    for (const [name, values] of Object.entries(given)) {
      if (!known.includes(name)) throw unknownParameter(name, known)
      if (values.length > 1) throw badParameter(name, 'it is there more than once')
      this.#values.set(name, values[0]!)
    }
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  text(name: string): string | undefined {
    return this.#values.get(name)
  }

  flag(name: string): boolean {
    const text = this.#values.get(name)
    if (text === undefined || text === 'false') return false
    if (text === 'true' || text === '') return true
    throw badParameter(name, `${JSON.stringify(text)} is neither true nor false`)
  }

  /** A whole number of these bounds, both included. */
  integer(name: string, { least, most, byDefault }: IntegerBounds): number {
    const text = this.#values.get(name)
    if (text === undefined) return byDefault
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    if (value >= least && value <= most) return value
    throw badParameter(name, `${JSON.stringify(text)} is not a whole number from ${least} to ${most}`)
  }

  /** A time in milliseconds since the epoch, given as that or in ISO 8601. */
  timeMs(name: string): number | undefined {
    const text = this.#values.get(name)
    if (text === undefined) return undefined
    const value = /^\d+$/.test(text) ? Number(text) : ISO.test(text) ? Date.parse(text) : NaN
    if (Number.isSafeInteger(value)) return value
    throw badParameter(
      name,
      `${JSON.stringify(text)} is no time: give milliseconds since 1970 or ISO 8601 with a zone, 2026-01-31T12:00:00Z ` +
        '(a + stands as %2B)',
    )
  }

  /** Throws where two of these are there together. */
  exclusive(name: string, others: readonly string[]): void {
    const other = this.has(name) && others.find(each => this.has(each))
    if (other) throw badParameter(name, `it does not go together with ${other}`)
  }
}

interface IntegerBounds {
  readonly least: number
  readonly most: number
  readonly byDefault: number
}

function unknownParameter(name: string, known: readonly string[]): Error {
  const close = nearest(name, known)
  const hint = close === undefined ? `there are: ${known.join(', ') || 'none'}` : `did you mean ${close}?`
  return badParameter(name, `this route has no such parameter; ${hint}`)
}
