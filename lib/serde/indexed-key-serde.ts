import { Buffer } from 'node:buffer'
import { asBuffer, copyInto } from '../common/bytes.ts'
import { StreamsError } from '../common/errors/errors.ts'
import type { IndexedKey } from './indexed-key.ts'
import { refuseAsyncSerde, type OpenSerde } from './open-serde.ts'
import type { Serde, SerdeContext } from './serde.ts'
import { SerdeError } from './serde-error.ts'
import { serializeTransient, transientBytes } from './transient-bytes.ts'

const LENGTH_BYTES = 4

/**
 * Stands for all entries of an index key where a key is asked for, in `prefixScan`. A class, so that a key
 * whose `key` is left out by mistake is refused, and not taken for it.
 */
export class IndexPrefix<KI> {
  readonly indexKey: KI

  constructor(indexKey: KI) {
    this.indexKey = indexKey
  }
}

/**
 * Serde of `length (4, big-endian) ‖ index key ‖ key`: entries of one index key lie together, in the order of
 * the bytes of their own keys. With the length no index key's entries begin as those of another.
 */
export class IndexedKeySerde<KI, K> implements OpenSerde<IndexedKey<KI, K>> {
  readonly name: string
  /** Undefined: the application's default, which is not known yet. */
  readonly indexKeys: Serde<KI> | undefined
  readonly keys: Serde<K> | undefined

  /** A serde that is left out is the application's default. */
  constructor(indexKeys: Serde<KI> | undefined, keys: Serde<K> | undefined) {
    this.name = `indexed(${indexKeys?.name ?? 'default'}, ${keys?.name ?? 'default'})`
    refuseAsyncSerde(indexKeys as Serde<unknown> | undefined)
    refuseAsyncSerde(keys as Serde<unknown> | undefined)
    this.indexKeys = indexKeys
    this.keys = keys
  }

  withDefault(serde: Serde<unknown>): Serde<IndexedKey<KI, K>> {
    if (this.indexKeys && this.keys) return this
    return new IndexedKeySerde(this.indexKeys ?? (serde as Serde<KI>), this.keys ?? (serde as Serde<K>))
  }

  serialize(indexed: IndexedKey<KI, K>, context: SerdeContext): Uint8Array {
    this.#check(indexed, context)
    const indexKey = this.indexKeyBytes(indexed.indexKey, context)
    if (indexed instanceof IndexPrefix) return layOut(Buffer.allocUnsafe, indexKey, undefined)
    return layOut(Buffer.allocUnsafe, indexKey, this.#keysOrThrow().serialize(indexed.key, context))
  }

  serializeTransient(indexed: IndexedKey<KI, K>, context: SerdeContext): Uint8Array {
    this.#check(indexed, context)
    const indexKey = serializeTransient(this.#indexKeysOrThrow(), indexed.indexKey, context)
    if (indexed instanceof IndexPrefix) return layOut(transientBytes, indexKey, undefined)
    return layOut(transientBytes, indexKey, serializeTransient(this.#keysOrThrow(), indexed.key, context))
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): IndexedKey<KI, K> {
    const end = endOfIndexKey(bytes)
    if (end === undefined) {
      throw new SerdeError(
        'SERDE_DATA',
        `serdes.${this.name} for "${context.topic}" reads the length of an index key, that key and the row's, ` +
          `but was given ${bytes.length} bytes that are none`,
      )
    }
    return {
      indexKey: this.#indexKeysOrThrow().deserialize(bytes.subarray(LENGTH_BYTES, end), context),
      key: this.#keysOrThrow().deserialize(bytes.subarray(end), context),
    }
  }

  /** The index key alone, by which entries are partitioned. */
  indexKeyBytes(indexKey: KI, context: SerdeContext): Uint8Array {
    return this.#indexKeysOrThrow().serialize(indexKey, context)
  }

  #check(indexed: unknown, { topic }: SerdeContext): void {
    const isPrefix = indexed instanceof IndexPrefix
    const { indexKey, key } = (indexed ?? {}) as Partial<IndexedKey<unknown, unknown>>
    if (isThere(indexKey) && (isPrefix || isThere(key))) return
    throw new SerdeError(
      'SERDE_TYPE',
      `serdes.${this.name} for "${topic}" writes keys of an index, { indexKey, key }, both of them given, ` +
        `but was given ${isThere(indexKey) ? 'one without key' : 'something without indexKey'}`,
    )
  }

  #indexKeysOrThrow(): Serde<KI> {
    if (this.indexKeys) return this.indexKeys
    throw missing('index keys', 'give reverseIndex an indexKeySerde')
  }

  #keysOrThrow(): Serde<K> {
    if (this.keys) return this.keys
    throw missing("rows' keys", 'give the table that is indexed a keySerde')
  }
}

/** The bytes of the index key in those of an indexed key; undefined where they are none. */
export function indexKeyIn(bytes: Uint8Array): Uint8Array | undefined {
  const end = endOfIndexKey(bytes)
  return end === undefined ? undefined : bytes.subarray(LENGTH_BYTES, end)
}

function endOfIndexKey(bytes: Uint8Array): number | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined
  const end = LENGTH_BYTES + asBuffer(bytes).readInt32BE(0)
  return end >= LENGTH_BYTES && end <= bytes.length ? end : undefined
}

function layOut(
  allocate: (length: number) => Buffer,
  indexKey: Uint8Array,
  key: Uint8Array | undefined,
): Buffer {
  const bytes = allocate(LENGTH_BYTES + indexKey.length + (key?.length ?? 0))
  bytes.writeInt32BE(indexKey.length, 0)
  const end = copyInto(bytes, LENGTH_BYTES, indexKey)
  if (key) copyInto(bytes, end, key)
  return bytes
}

function isThere(value: unknown): boolean {
  return value !== null && value !== undefined
}

function missing(what: string, fix: string): StreamsError {
  return new StreamsError(
    'SERDE_MISSING',
    `the ${what} of an index have no serde: ${fix}, or set defaultKeySerde.`,
  )
}
