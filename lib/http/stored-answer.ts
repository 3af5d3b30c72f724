import { Buffer } from 'node:buffer'

/** What a store keeps under an idempotency key. */
export type IdempotentAnswer = ClaimedAnswer | GivenAnswer

interface AnswerBase {
  readonly v: 1
  /** Digest of the request: another one under the same key is refused. */
  readonly request: string
  /** Milliseconds since the epoch: from then on the key is as if it had never come. */
  readonly expiresMs: number
}

/** The request is being carried out, by a process that may have ended since. */
export interface ClaimedAnswer extends AnswerBase {
  readonly status: null
}

export interface GivenAnswer extends AnswerBase {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** As base64; null: it was too large to be kept. */
  readonly body: string | null
}

/** Headers that belong to one connection, or to one client. */
const NOT_KEPT = new Set(['connection', 'date', 'keep-alive', 'set-cookie', 'transfer-encoding'])

/** What is kept of a response, which stays readable. */
export async function keptOf(
  response: Response,
  bytesMax: number,
): Promise<Pick<GivenAnswer, 'status' | 'headers' | 'body'>> {
  const bytes = Buffer.from(await response.clone().arrayBuffer())
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => !NOT_KEPT.has(name)),
    body: bytes.length > bytesMax ? null : bytes.toString('base64'),
  }
}

/** Statuses whose responses must have no body. */
const WITHOUT_BODY = [101, 204, 205, 304]

export function responseOf({ status, headers, body }: GivenAnswer): Response {
  const bytes = WITHOUT_BODY.includes(status) ? null : Buffer.from(body ?? '', 'base64')
  const response = new Response(bytes, { status })
  for (const [name, value] of headers) response.headers.append(name, value)
  response.headers.set('idempotency-replayed', 'true')
  return response
}
