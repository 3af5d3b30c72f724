import { RequestError } from './request-error.ts'

export interface NumberRule {
  readonly fallback: number
  readonly least: number
  readonly most: number
}

/** A whole number of a query string. Throws 400 `INVALID_NUMBER`, naming it and what it may be. */
export function numberOrThrow(name: string, text: string | undefined | null, rule: NumberRule): number {
  if (text === undefined || text === null || text === '') return rule.fallback
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= rule.least && number <= rule.most) return number
  throw new RequestError(
    400,
    'INVALID_NUMBER',
    `${name} must be a whole number between ${rule.least} and ${rule.most}`,
  )
}
