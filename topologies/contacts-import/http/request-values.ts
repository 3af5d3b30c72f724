import { RequestError } from './request-error.ts'

const CHANNEL = /^[A-Za-z0-9_-]{1,64}$/

/** Whoever knows a channel's name hears it: the page makes one up at random. */
export function channelOrThrow(text: string | undefined | null): string {
  if (text && CHANNEL.test(text)) return text
  throw new RequestError(
    400,
    'INVALID_CHANNEL',
    'channel must be given: 1 to 64 letters, digits, "_" or "-"; make one up at random, such as a UUID',
  )
}

export interface NumberRule {
  readonly fallback: number
  readonly least: number
  readonly most: number
}

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
