import { Buffer } from 'node:buffer'
import type { Type } from 'avsc'
import { asBuffer } from '../../common/bytes.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { AvroSchema } from '../avro-schema.ts'
import { avroType } from '../avro-type.ts'
import type { Serde, SerdeContext } from '../serde.ts'
import { SerdeError } from '../serde-error.ts'
import { SerdePendingError } from '../serde-pending-error.ts'

/** Bytes before the data: a zero byte and the schema's id, four bytes big-endian. */
const HEADER_BYTES = 5

/** Schemas by id, as far as they are known. */
export interface SchemaSource {
  /** The schema of an id. Undefined: not fetched yet. An error: it was fetched, and cannot be used. */
  known(id: number): AvroSchema | Error | undefined
  /**
   * Fetches a schema. Resolves when `known` has an answer; rejects where there is none to be had. One request
   * for each id, however many ask.
   */
  load(id: number): Promise<void>
}

type Reader<T> = (bytes: Buffer) => T

/**
 * Avro in the wire format of Confluent's serializers. It writes one schema, whose id the registry gave
 * before; what it reads is resolved from the schema that it was written with to its own, by Avro's rules:
 * fields that were added take their defaults, removed ones are skipped, numbers are promoted.
 */
export class RegistryAvroSerde<T> implements Serde<T> {
  readonly name = 'avro'
  readonly #type: Type
  readonly #id: number
  readonly #schemas: SchemaSource
  /** Readers by schema id, one for each schema met; a registry gives ids, so they are few. */
  readonly #readers = new Map<number, Reader<T> | SerdeError>()

  constructor(type: Type, id: number, schemas: SchemaSource) {
    this.#type = type
    this.#id = id
    this.#schemas = schemas
    this.#readers.set(id, bytes => type.fromBuffer(bytes) as T)
  }

  serialize(value: T, { topic }: SerdeContext): Uint8Array {
    let body: Buffer
    try {
      body = this.#type.toBuffer(value)
    } catch (error) {
      throw failure('SERDE_TYPE', `a value for "${topic}" does not fit its Avro schema`, error)
    }
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length)
    bytes[0] = 0
    bytes.writeUInt32BE(this.#id, 1)
    body.copy(bytes, HEADER_BYTES)
    return bytes
  }

  /** Throws `SerdePendingError` for a schema that is met for the first time. */
  deserialize(bytes: Uint8Array, { topic }: SerdeContext): T {
    const buffer = asBuffer(bytes)
    if (buffer.length < HEADER_BYTES || buffer[0] !== 0) {
      throw new SerdeError(
        'SERDE_DATA',
        `${bytes.length} bytes of "${topic}" do not begin with a zero byte and the id of a schema: they were not written by a schema registry's serializer`,
      )
    }
    const id = buffer.readUInt32BE(1)
    const reader = this.#readers.get(id) ?? this.#readerOf(id, topic)
    if (reader instanceof Error) throw reader
    try {
      return reader(buffer.subarray(HEADER_BYTES))
    } catch (error) {
      throw failure(
        'SERDE_DATA',
        `${bytes.length} bytes of "${topic}" do not fit their Avro schema, ${id}`,
        error,
      )
    }
  }

  #readerOf(id: number, topic: string): Reader<T> | SerdeError {
    const schema = this.#schemas.known(id)
    if (schema === undefined) {
      throw new SerdePendingError(
        `schema ${id} of "${topic}" is not loaded yet: where nothing can wait for it, await registry.load(${id}) before`,
        this.#schemas.load(id),
      )
    }
    if (schema instanceof Error) {
      // The failure is not kept: the registry may know the schema later.
      return failure('SERDE_SCHEMA', `schema ${id} of "${topic}" cannot be used`, schema)
    }
    const reader = this.#resolve(id, topic, schema)
    this.#readers.set(id, reader)
    return reader
  }

  #resolve(id: number, topic: string, schema: AvroSchema): Reader<T> | SerdeError {
    try {
      const resolver = this.#type.createResolver(avroType(schema))
      return bytes => this.#type.fromBuffer(bytes, resolver) as T
    } catch (error) {
      return failure(
        'SERDE_SCHEMA',
        `schema ${id} of "${topic}" cannot be read with this program's schema`,
        error,
      )
    }
  }
}

function failure(code: 'SERDE_TYPE' | 'SERDE_DATA' | 'SERDE_SCHEMA', message: string, error: unknown) {
  return new SerdeError(code, `${message}: ${errorFrom(error).message}`, { cause: error })
}
