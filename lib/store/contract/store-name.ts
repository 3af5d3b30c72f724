import { Buffer } from 'node:buffer'
import { TopologyError } from '../../common/errors/errors.ts'
import type { Engine, EngineRange } from '../engine/engine.ts'

/**
 * Bytes that may follow a name in an engine key. Names contain neither, so no store's keys start with another
 * store's prefix.
 */
const DATA = 0x00
const METADATA = 0x01

/**
 * Names that are legal for a store: those that a topic may have, since the changelog carries the name
 * (KIP-307).
 */
const LEGAL = /^[a-zA-Z0-9._-]{1,200}$/

/** Returns the name, or throws `INVALID_STORE_NAME`. */
export function validStoreName(name: string): string {
  if (LEGAL.test(name) && name !== '.' && name !== '..') return name
  throw new TopologyError(
    'INVALID_STORE_NAME',
    `"${name}" cannot be the name of a store: use 1 to 200 letters, digits, dots, underscores and hyphens`,
  )
}

/** Prefix of the engine keys of a store's entries. Keys that start with 0x00 are the runtime's own. */
export function storePrefix(name: string): Uint8Array {
  return withSuffix(name, DATA)
}

/** Engine key of a store's metadata, such as its number of entries. */
export function storeMetadataKey(name: string): Uint8Array {
  return withSuffix(name, METADATA)
}

/** Engine key of a time that a store notes. */
export function storeTimeKey(name: string): Uint8Array {
  return Buffer.concat([storeMetadataKey(name), Buffer.from('time', 'latin1')])
}

/** Range of a store's entries, without its metadata. */
export function storeEntriesRange(name: string): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  return { gte: withSuffix(name, DATA), lt: withSuffix(name, DATA + 1) }
}

/** Range of a store's entries and metadata: to be cleared when the store is wiped. */
export function storeRange(name: string): EngineRange {
  return { gte: withSuffix(name, DATA), lt: withSuffix(name, METADATA + 1) }
}

/**
 * Names of the stores that have entries in the engine. Reads one key of each, so it does not matter how many
 * there are.
 */
export async function storesWithEntries(engine: Engine): Promise<string[]> {
  const names: string[] = []
  let key = await firstKey(engine, Uint8Array.of(DATA + 1))
  while (key !== undefined) {
    const end = key.findIndex(byte => byte === DATA || byte === METADATA)
    if (end < 0) break
    const name = Buffer.from(key.subarray(0, end)).toString('latin1')
    if (key[end] === DATA) names.push(name)
    key = await firstKey(engine, withSuffix(name, METADATA + 1))
  }
  return names
}

async function firstKey(engine: Engine, gte: Uint8Array): Promise<Uint8Array | undefined> {
  for await (const [key] of engine.entries({ gte, limit: 1, values: false })) return key
  return undefined
}

function withSuffix(name: string, suffix: number): Uint8Array {
  return Buffer.concat([Buffer.from(validStoreName(name), 'latin1'), Uint8Array.of(suffix)])
}
