import { StreamsError } from '../common/errors/errors.ts'
import type { StreamsState } from '../streams/streams-state.ts'

/** What a request is answered with instead: the code and message of the body's `error`, and the status. */
export class HttpError extends StreamsError {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** Beside code and message. */
  readonly details: object

  constructor(
    status: number,
    code: string,
    message: string,
    {
      headers = {},
      details = {},
    }: { readonly headers?: { readonly [name: string]: string }; readonly details?: object } = {},
  ) {
    super(code, message)
    this.status = status
    this.headers = headers
    this.details = details
  }
}

/** Seconds after which what is being restored, or divided anew, is worth another try. */
export const RETRY_AFTER_S = 1

/** `Retry-After`, in states that lead on to `running` again. */
export function notAvailable(state: StreamsState, message: string): HttpError {
  const passes = state === 'created' || state === 'rebalancing' || state === 'running'
  return new HttpError(
    503,
    'STORE_NOT_AVAILABLE',
    `${message} (the application is in state ${state})`,
    passes ? { headers: { 'retry-after': String(RETRY_AFTER_S) } } : {},
  )
}

/** A query parameter, or a part of the path, that cannot be used. `parameter` is in the message, too. */
export function badParameter(parameter: string, fault: string): HttpError {
  return new HttpError(400, 'BAD_PARAMETER', `${parameter}: ${fault}`)
}

export function wrongKind(name: string, kind: string, instead: string): HttpError {
  return new HttpError(400, 'WRONG_STORE_KIND', `store "${name}" is a ${kind}: ${instead}`)
}
