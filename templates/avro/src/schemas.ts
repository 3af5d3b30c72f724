import { SchemaRegistry, serdes, type Serde } from 'millrace'

export interface Reading {
  readonly sensor: string
  readonly celsius: number
}

export interface Average {
  readonly count: number
  readonly celsius: number
}

const readingSchema = {
  type: 'record' as const,
  name: 'Reading',
  fields: [
    { name: 'sensor', type: 'string' },
    { name: 'celsius', type: 'double' },
  ],
}

const averageSchema = {
  type: 'record' as const,
  name: 'Average',
  fields: [
    { name: 'count', type: 'int' },
    { name: 'celsius', type: 'double' },
  ],
}

export interface AvroSerdes {
  readonly reading: Serde<Reading>
  readonly average: Serde<Average>
}

/** Plain Avro: writer and reader have the same schema. */
export const plainAvro: AvroSerdes = {
  reading: serdes.avro<Reading>(readingSchema),
  average: serdes.avro<Average>(averageSchema),
}

/** With the ids of a schema registry before each record, where SCHEMA_REGISTRY_URL names one. */
export async function avroSerdes(url = process.env['SCHEMA_REGISTRY_URL']): Promise<AvroSerdes> {
  if (!url) return plainAvro
  const registry = new SchemaRegistry({ url })
  return {
    reading: await registry.avro<Reading>({ topic: 'readings', schema: readingSchema, register: true }),
    average: await registry.avro<Average>({ topic: 'averages', schema: averageSchema, register: true }),
  }
}
