import { errorFrom } from '../common/errors/errors.ts'
import { readIndex } from '../projection/read-index.ts'
import { IndexedKeySerde } from '../serde/indexed-key-serde.ts'
import type { Serde } from '../serde/serde.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { badParameter, wrongKind } from './http-error.ts'
import { keyNotParseable, keyTextOf, parseKey } from './key-text.ts'
import type { Query } from './query.ts'
import type { ServedStore } from './served-stores.ts'

export const INDEX_PARAMETERS = ['limit', 'after', 'count'] as const
const LIMIT = { least: 1, most: 1000, byDefault: 100 }

/**
 * A page of the entries of an index key, and with `count` how many there are. `next`: the key to give as
 * `after` for the page behind, null where there is none.
 */
export async function readIndexPage(
  streams: KafkaStreams,
  store: ServedStore,
  text: string,
  query: Query,
): Promise<object> {
  const { name, kind, keySerde } = store
  if (!(keySerde instanceof IndexedKeySerde)) throw wrongKind(name, kind, 'it has no entries of index keys')
  const { indexKeys, keys } = keySerde as IndexedKeySerde<unknown, unknown>
  const indexKey = parsed(name, indexKeys, text, 'key')
  const afterText = query.text('after')
  const after = afterText === undefined ? undefined : parsed(name, keys, afterText, 'after')
  const limit = query.integer('limit', LIMIT)
  const index = readIndex<unknown, unknown, unknown>(streams, name)
  const entries: { readonly key: unknown; readonly value: unknown }[] = []
  let hasMore = false
  for await (const [key, value] of index.entries(indexKey, { limit: limit + 1, after })) {
    hasMore = entries.length === limit
    if (!hasMore) entries.push({ key, value })
  }
  const count = query.flag('count') ? { count: await index.count(indexKey) } : {}
  return { store: name, indexKey, entries, next: hasMore ? entries.at(-1)!.key : null, ...count }
}

function parsed(name: string, serde: Serde<unknown> | undefined, text: string, parameter: string): unknown {
  const keyText = keyTextOf(serde)
  if (!serde || !keyText) throw keyNotParseable(name, serde)
  const key = parseKey(keyText, text, parameter)
  try {
    serde.serialize(key, { topic: name })
    return key
  } catch (error) {
    throw badParameter(parameter, errorFrom(error).message)
  }
}
