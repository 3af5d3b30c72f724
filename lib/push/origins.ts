import { PushError } from './push-error.ts'

/** Pages that may open channels: those of the same host where undefined. */
export type Origins = '*' | readonly string[] | undefined

/**
 * Programs other than browsers send no origin; a page of another site must not listen in its visitor's name.
 */
export function checkOrigin(
  { origin, host }: { readonly origin: string | null | undefined; readonly host: string | null | undefined },
  origins: Origins,
): void {
  if (origin === null || origin === undefined || origins === '*') return
  if (origins?.includes(origin) === true) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new PushError(403, 'FOREIGN_ORIGIN', 'the page comes from another host: name its origin in origins')
}
