import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { badParameter, HttpError, notAvailable, wrongKind } from './http-error.ts'
import type { Query } from './query.ts'
import type { ServedStore } from './served-stores.ts'

export const KEY_PARAMETERS = ['asOf'] as const

/** The row of one key, in a key-value or versioned store. Throws `KEY_NOT_FOUND`, and what reading throws. */
export function readKey(streams: KafkaStreams, store: ServedStore, text: string, query: Query): object {
  const { name, kind, reading } = store
  if (reading === 'windows' || reading === 'sessions') {
    throw wrongKind(name, kind, `read the ${reading} of a key by ${name}/KEY/${reading}`)
  }
  const key = store.parseKey(text, 'key')
  const row =
    reading === 'versioned' ? versionOf(streams, name, key, query) : rowOf(streams, store, key, query)
  if (!row) throw notFound(streams, store, key)
  return { store: name, key, ...row, partition: partitionOf(streams, store, key) }
}

function rowOf(streams: KafkaStreams, store: ServedStore, key: unknown, query: Query): object | undefined {
  const { name, kind, isTimestamped } = store
  if (query.has('asOf')) throw badParameter('asOf', `store "${name}" is a ${kind}, which keeps no versions`)
  if (!isTimestamped) {
    const value = streams.store<unknown, unknown>(name).get(key)
    return value === undefined ? undefined : { value }
  }
  const found = streams.timestampedStore<unknown, unknown>(name).get(key)
  return found && { value: found.value, timestamp: found.timestamp }
}

function versionOf(streams: KafkaStreams, name: string, key: unknown, query: Query): object | undefined {
  const asOf = query.timeMs('asOf')
  const store = streams.versionedStore<unknown, unknown>(name)
  const found = asOf === undefined ? store.get(key) : store.getAsOf(key, asOf)
  return found && { value: found.value, timestamp: found.timestamp, validTo: found.validToMs ?? null }
}

export function partitionOf(streams: KafkaStreams, { name }: ServedStore, key: unknown): number | null {
  return streams.keyOwner(name, key).partition ?? null
}

/** For rows that were not found: throws where the part that would have them may be on its way. */
export function checkComplete(streams: KafkaStreams, { name }: ServedStore, key: unknown): void {
  if (streams.keyOwner(name, key).isLocal === true || streams.state === 'running') return
  throw notAvailable(
    streams.state,
    `the key is not in the parts of store "${name}" that this process has now`,
  )
}

function notFound(streams: KafkaStreams, store: ServedStore, key: unknown): HttpError {
  checkComplete(streams, store, key)
  const { name, partitions, partitionCount } = store
  if (streams.keyOwner(name, key).isLocal === true) {
    return new HttpError(404, 'KEY_NOT_FOUND', `store "${name}" has no such key`)
  }
  return new HttpError(
    404,
    'KEY_NOT_FOUND_HERE',
    `this process has partitions ${partitions.join(', ')} of the ${partitionCount} of store "${name}", without such a key; whether it belongs to one ` +
      'of the others cannot be told from it',
  )
}
