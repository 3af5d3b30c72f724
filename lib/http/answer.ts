import { StreamsError } from '../common/errors/errors.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { KeyNotHereError } from '../streams/key-not-here-error.ts'
import { badParameter, HttpError, notAvailable, RETRY_AFTER_S } from './http-error.ts'
import { jsonText } from './json-text.ts'
import type { ServedStore } from './served-stores.ts'

export type Headers = { readonly [name: string]: string }

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

/** On every answer: how the application is now. Nothing is kept by a cache, since nothing stays true. */
export function commonHeaders({ state }: KafkaStreams): Headers {
  return { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'millrace-state': state }
}

/** Headers that say how far behind the store is, where that is known. */
export function lagHeaders({ lag, staleness }: Pick<ServedStore, 'lag' | 'staleness'>): Headers {
  const { staleMs = null, recordsBehind = null } = staleness?.now ?? {}
  return {
    ...(lag === undefined ? {} : { 'millrace-lag': String(lag) }),
    ...(staleMs === null ? {} : { 'millrace-stale-ms': String(staleMs) }),
    ...(recordsBehind === null ? {} : { 'millrace-records-behind': String(recordsBehind) }),
  }
}

export function jsonAnswer(body: unknown, headers: Headers, status = 200): Response {
  return new Response(jsonText(body), { status, headers: { ...headers, ...JSON_TYPE } })
}

export function errorAnswer(error: HttpError, headers: Headers): Response {
  const { code, message, status, details } = error
  return jsonAnswer({ error: { code, message, ...details } }, { ...headers, ...error.headers }, status)
}

/** What an error of the library means to a client; undefined for one that is no affair of a client's. */
export function httpErrorOf(error: unknown, { state }: KafkaStreams): HttpError | undefined {
  if (error instanceof HttpError || !(error instanceof StreamsError)) return asHttpError(error)
  if (error instanceof KeyNotHereError) {
    // The work is being divided anew: where the key is going to be is not known.
    if (state === 'rebalancing') return notAvailable(state, error.message)
    const { code, message, partition, localPartitions } = error
    return new HttpError(421, code, message, { details: { partition, partitions: localPartitions } })
  }
  switch (error.code) {
    case 'STORE_NOT_AVAILABLE':
    case 'STORE_CLOSED':
      return notAvailable(state, error.message)
    case 'STALE':
      return new HttpError(503, error.code, error.message, {
        headers: { 'retry-after': String(RETRY_AFTER_S) },
      })
    case 'NOT_AN_INPUT':
      return badParameter('atLeast', error.message)
    case 'SERDE_MISSING':
      return new HttpError(501, error.code, error.message)
    default:
      return undefined
  }
}

function asHttpError(error: unknown): HttpError | undefined {
  return error instanceof HttpError ? error : undefined
}
