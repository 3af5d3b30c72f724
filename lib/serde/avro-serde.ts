import type { Type } from 'avsc'
import { asBuffer } from '../common/bytes.ts'
import { errorFrom } from '../common/errors/errors.ts'
import type { AvroSchema } from './avro-schema.ts'
import { avroType } from './avro-type.ts'
import type { Serde } from './serde.ts'
import { SerdeError } from './serde-error.ts'

/**
 * Avro's binary encoding of one schema, nothing before it and nothing after it: writer and reader must have
 * the same schema. Throws `SERDE_SCHEMA` at once for a schema that is none.
 */
export function avroSerde<T>(schema: AvroSchema): Serde<T> {
  const type = typeFor(schema)
  return {
    name: 'avro',
    serialize(value, context) {
      try {
        return type.toBuffer(value)
      } catch (error) {
        throw failure('SERDE_TYPE', `a value for "${context.topic}" does not fit its Avro schema`, error)
      }
    },
    deserialize(bytes, context) {
      try {
        return type.fromBuffer(asBuffer(bytes)) as T
      } catch (error) {
        throw failure(
          'SERDE_DATA',
          `${bytes.length} bytes of "${context.topic}" do not fit their Avro schema`,
          error,
        )
      }
    },
  }
}

function typeFor(schema: AvroSchema): Type {
  try {
    return avroType(schema)
  } catch (error) {
    throw failure('SERDE_SCHEMA', 'serdes.avro() was given a schema that is not Avro', error)
  }
}

function failure(code: 'SERDE_TYPE' | 'SERDE_DATA' | 'SERDE_SCHEMA', message: string, error: unknown) {
  return new SerdeError(code, `${message}: ${errorFrom(error).message}`, { cause: error })
}
