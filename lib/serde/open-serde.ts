import { isAsyncFunction } from 'node:util/types'
import { AsyncCallbackError } from '../common/errors/errors.ts'
import type { Serde } from './serde.ts'
import { SYNCHRONOUS } from './serde-error.ts'

/** A serde around another one that may have been left open, to be the application's default. */
export interface OpenSerde<T> extends Serde<T> {
  /** The serde to use where this is the default for what was left open; itself, if nothing was. */
  withDefault(serde: Serde<unknown>): Serde<T>
}

/** What a node's serde means in an application with this default: for the runtime, once for each node. */
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
 * An async method is seen at the start already, and would be wrong with every record. Throws
 * `AsyncCallbackError`.
 */
export function refuseAsyncSerde(serde: Serde<unknown> | undefined): void {
  const method = serde && METHODS.find(name => isAsyncFunction(serde[name]))
  if (!method) return
  throw new AsyncCallbackError(
    'ASYNC_CALLBACK',
    `${method} of the serde "${serde.name}" is an async function: ${SYNCHRONOUS}`,
  )
}
