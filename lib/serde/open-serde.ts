import { isAsyncFunction } from 'node:util/types'
import { AsyncCallbackError } from '../common/errors/errors.ts'
import type { Serde } from './serde.ts'
import { SYNCHRONOUS } from './serde-error.ts'

/** A serde around an inner one that may be missing, to be taken from the application's default. */
export interface OpenSerde<T> extends Serde<T> {
  /** The serde with this default in the place of a missing inner one; itself, if none is missing. */
  withDefault(serde: Serde<unknown>): Serde<T>
}

/** The serde of a node in an application with this default: for the runtime, once for each node. */
export function resolveSerde(
  serde: Serde<unknown> | undefined,
  fallback: Serde<unknown> | undefined,
): Serde<unknown> | undefined {
  refuseAsyncSerde(serde ?? fallback)
  if (serde === undefined) return fallback
  return fallback !== undefined && 'withDefault' in serde
    ? (serde as OpenSerde<unknown>).withDefault(fallback)
    : serde
}

const METHODS = ['serialize', 'serializeTransient', 'deserialize', 'deserializeFrom'] as const

/**
 * Throws `AsyncCallbackError` for a serde with an async method, at the start: it would be wrong with every
 * record.
 */
export function refuseAsyncSerde(serde: Serde<unknown> | undefined): void {
  const method = serde && METHODS.find(name => isAsyncFunction(serde[name]))
  if (!method) return
  throw new AsyncCallbackError(
    'ASYNC_CALLBACK',
    `${method} of the serde "${serde.name}" is an async function: ${SYNCHRONOUS}`,
  )
}
