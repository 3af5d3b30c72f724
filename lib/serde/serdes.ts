import type { IndexedKey } from './indexed-key.ts'
import type { Windowed } from '../common/windowed.ts'
import type { AvroSchema, AvroValue } from './avro-schema.ts'
import { avroSerde } from './avro-serde.ts'
import { bytesSerde } from './bytes-serde.ts'
import { float64Serde } from './float64-serde.ts'
import { IndexedKeySerde } from './indexed-key-serde.ts'
import { bigint64Serde, int32Serde, int64Serde } from './integer-serdes.ts'
import { jsonSerde } from './json-serde.ts'
import type { Serde } from './serde.ts'
import type { StandardSchema } from './standard-schema.ts'
import { stringSerde } from './string-serde.ts'
import { voidSerde } from './void-serde.ts'
import { SessionWindowedSerde, TimeWindowedSerde } from './windowed-serdes.ts'

interface AvroSerdes {
  /** A serde of values whose type is given: `avro<Order>(schema)`. */
  <T = never>(schema: [T] extends [never] ? never : AvroSchema): Serde<NoInfer<T>>
  /** A serde of values whose type is the schema's (`AvroValue`). */
  <const S extends AvroSchema>(schema: S): Serde<AvroValue<S>>
}

/**
 * The standard serdes. Formats are those of Kafka Streams' `Serdes`, so both can read each other's topics.
 */
export const serdes = {
  /** Text in UTF-8. */
  string: (): Serde<string> => stringSerde,
  /** Integers in four bytes, big-endian. */
  int32: (): Serde<number> => int32Serde,
  /** Integers in eight bytes, big-endian; throws `INT64_UNSAFE` for one that a number cannot hold exactly. */
  int64: (): Serde<number> => int64Serde,
  /** Integers in eight bytes, big-endian, as `bigint`. */
  bigint64: (): Serde<bigint> => bigint64Serde,
  /** Doubles in eight bytes, IEEE 754 big-endian. */
  float64: (): Serde<number> => float64Serde,
  /** JSON; with a Standard Schema, validated when read. */
  json: <T = never>(schema?: StandardSchema<T>): Serde<T> => jsonSerde(schema),
  /** Bytes as they are. */
  bytes: (): Serde<Uint8Array> => bytesSerde,
  /** Null alone. */
  void: (): Serde<null> => voidSerde,
  /** Avro's binary encoding of one schema. */
  avro: ((schema: AvroSchema) => avroSerde(schema)) as AvroSerdes,
  /**
   * Keys of time and sliding windows: the key, then the window's start. `sizeMs`: the size or time
   * difference, which is not written; `Infinity` for unlimited windows.
   */
  windowed: <K>(inner: Serde<K>, sizeMs: number): Serde<Windowed<K>> => new TimeWindowedSerde(inner, sizeMs),
  /** Keys of sessions: the key, then the session's end and start. */
  sessionWindowed: <K>(inner: Serde<K>): Serde<Windowed<K>> => new SessionWindowedSerde(inner),
  /** Keys of a secondary index: the length of the index key (4, big-endian), that key, then the row's own. */
  indexed: <KI, K>(indexKey: Serde<KI>, key: Serde<K>): Serde<IndexedKey<KI, K>> =>
    new IndexedKeySerde(indexKey, key),
}
