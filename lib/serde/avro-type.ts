import type Avsc from 'avsc'
import type { Schema, Type } from 'avsc'
import { latePackage } from '../common/late-package.ts'

const avsc = latePackage<typeof Avsc>('avsc')

/** Throws where the schema is none. */
export function avroType(schema: Schema): Type {
  return avsc().Type.forSchema(schema)
}
