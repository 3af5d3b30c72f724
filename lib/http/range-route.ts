import { equalBytes } from '../common/bytes.ts'
import type { ReadOnlyKeyValueStore, ValueAndTimestamp } from '../store/contract/key-value-store.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { cursorText, parseCursor, type Cursor } from './cursor.ts'
import { badParameter, notAvailable, wrongKind } from './http-error.ts'
import type { Query } from './query.ts'
import type { ServedStore } from './served-stores.ts'

export const RANGE_PARAMETERS = ['key', 'from', 'to', 'prefix', 'limit', 'reverse', 'cursor', 'asOf'] as const
const LIMIT = { least: 1, most: 1000, byDefault: 100 }

interface Range {
  readonly from: unknown
  readonly to: unknown
  readonly prefix: unknown
  readonly reverse: boolean
  readonly limit: number
  readonly cursor: Cursor | undefined
}

type Rows = ReadOnlyKeyValueStore<unknown, unknown>

/**
 * A page of a key-value store: part after part by their numbers, each in the order of the keys' bytes. `next`
 * is the cursor of the page behind, null where there is none.
 */
export async function readRange(streams: KafkaStreams, store: ServedStore, query: Query): Promise<object> {
  const { name, kind, reading, isGlobal, partitions } = store
  if (reading !== 'key-value') {
    throw wrongKind(name, kind, 'it has no ranges over keys here; read one key')
  }
  const range = rangeOf(store, query)
  if (!isGlobal && streams.state !== 'running') {
    throw notAvailable(streams.state, `a range of store "${name}" is whole in state running only`)
  }
  const entries: object[] = []
  const parts = isGlobal ? [undefined] : partitions
  // As reading does where there is no part at all.
  if (parts.length === 0) streams.store(name).approximateNumEntries()
  let last: Cursor | undefined
  for (const partition of parts) {
    for await (const [key, stored] of partRows(streams, store, range, partition)) {
      if (entries.length === range.limit) return pageOf(store, entries, last)
      last = { partition: partition ?? 0, key: bytesOf(store, key) }
      entries.push(entryOf(store, key, stored))
    }
  }
  return pageOf(store, entries, undefined)
}

function pageOf(store: ServedStore, entries: readonly object[], next: Cursor | undefined): object {
  const { name, isGlobal, partitions, partitionCount } = store
  return {
    store: name,
    entries,
    next: next ? cursorText(next) : null,
    partitions: isGlobal ? null : partitions,
    partitionCount: partitionCount ?? null,
  }
}

function rangeOf(store: ServedStore, query: Query): Range {
  query.exclusive('prefix', ['from', 'to', 'reverse'])
  if (query.has('asOf')) throw badParameter('asOf', 'it goes with one key only')
  const bound = (parameter: 'from' | 'to') => {
    const text = query.text(parameter)
    return text === undefined ? undefined : store.parseKey(text, parameter)
  }
  const [prefix, cursor] = [query.text('prefix'), query.text('cursor')]
  return {
    from: bound('from'),
    to: bound('to'),
    prefix: prefix === undefined ? undefined : store.parsePrefix(prefix),
    reverse: query.flag('reverse'),
    limit: query.integer('limit', LIMIT),
    cursor: cursor === undefined ? undefined : parseCursor(cursor),
  }
}

/** What is left of one part behind the cursor. */
async function* partRows(
  streams: KafkaStreams,
  store: ServedStore,
  range: Range,
  partition: number | undefined,
): AsyncGenerator<readonly [unknown, unknown]> {
  const { cursor, prefix } = range
  const at = partition ?? 0
  if (cursor && at < cursor.partition) return
  const after = cursor?.partition === at ? cursor.key : undefined
  const prefixBytes = prefix === undefined ? undefined : bytesOf(store, prefix)
  for await (const row of opened(streams, store, range, { partition, after })) {
    const bytes = after || prefixBytes ? bytesOf(store, row[0]) : undefined
    if (prefixBytes && !equalBytes(bytes!.subarray(0, prefixBytes.length), prefixBytes)) return
    if (after && equalBytes(bytes!, after)) continue
    yield row
  }
}

function opened(
  streams: KafkaStreams,
  store: ServedStore,
  { from, to, prefix, reverse }: Range,
  { partition, after }: { readonly partition: number | undefined; readonly after: Uint8Array | undefined },
): AsyncIterable<readonly [unknown, unknown]> {
  const { name, isTimestamped } = store
  const options = partition === undefined ? {} : { partition }
  const rows: Rows = isTimestamped ? streams.timestampedStore(name, options) : streams.store(name, options)
  const start = after && keyOf(store, after)
  if (prefix !== undefined)
    return start === undefined ? rows.prefixScan(prefix) : rows.range(start, undefined)
  return reverse ? rows.reverseRange(from, start ?? to) : rows.range(start ?? from, to)
}

function entryOf({ isTimestamped }: ServedStore, key: unknown, stored: unknown): object {
  if (!isTimestamped) return { key, value: stored }
  const { value, timestamp } = stored as ValueAndTimestamp<unknown>
  return { key, value, timestamp }
}

function bytesOf({ keySerde, name }: ServedStore, key: unknown): Uint8Array {
  return keySerde!.serialize(key, { topic: name })
}

function keyOf({ keySerde, name }: ServedStore, bytes: Uint8Array): unknown {
  try {
    return keySerde!.deserialize(bytes, { topic: name })
  } catch {
    throw badParameter('cursor', `it is not one of store "${name}"`)
  }
}
