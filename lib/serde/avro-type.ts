import type Avsc from 'avsc'
import type { Schema, Type } from 'avsc'
import { latePackage } from '../common/late-package.ts'
import type { AvroSchema } from './avro-schema.ts'

const avsc = latePackage<typeof Avsc>('avsc')

/** Throws where the schema is none. */
export function avroType(schema: AvroSchema): Type {
  // It only reads it.
  return avsc().Type.forSchema(schema as Schema)
}
