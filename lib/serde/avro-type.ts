import type Avsc from 'avsc'
import type { Schema, Type } from 'avsc'
import { latePackage } from '../common/late-package.ts'
import type { AvroSchema } from './avro-schema.ts'

const avsc = latePackage<typeof Avsc>('avsc')

/** Parses a schema. Throws where it is not valid. */
export function avroType(schema: AvroSchema): Type {
  // The cast is safe, since avsc only reads the schema.
  return avsc().Type.forSchema(schema as Schema)
}
