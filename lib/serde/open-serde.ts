import type { Serde } from './serde.ts'

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
  if (serde === undefined) return fallback
  return fallback !== undefined && 'withDefault' in serde
    ? (serde as OpenSerde<unknown>).withDefault(fallback)
    : serde
}
