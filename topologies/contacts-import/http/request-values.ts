import { RequestError } from '../../web/request-error.ts'

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
