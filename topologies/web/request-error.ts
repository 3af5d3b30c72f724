import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** A request that cannot be served, as its sender is told: `{error: {code, message}}`. */
export class RequestError extends Error {
  readonly status: ContentfulStatusCode
  readonly code: string

  constructor(status: ContentfulStatusCode, code: string, message: string) {
    super(message)
    this.name = 'RequestError'
    this.status = status
    this.code = code
  }
}
