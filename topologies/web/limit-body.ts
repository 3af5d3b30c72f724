import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'

/**
 * Refuses larger bodies by 413 `BODY_TOO_LARGE`, unread: so the connection cannot be used again, and the
 * answer says so.
 */
export function limitBody(bytesMax: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: bytesMax,
    onError: c =>
      c.json(
        { error: { code: 'BODY_TOO_LARGE', message: `a body has at most ${bytesMax} bytes here` } },
        413,
        {
          connection: 'close',
        },
      ),
  })
}
