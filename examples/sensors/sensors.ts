import {
  continueOnError,
  SchemaRegistry,
  serdes,
  StreamsBuilder,
  timeWindows,
  untilWindowCloses,
} from 'millrace'
import type { AvroValue, Serde, StreamsConfig, Topology } from 'millrace'

export const readingSchema = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'celsius', type: 'double' },
    { name: 'atMs', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
} as const

export const averageSchema = {
  type: 'record',
  name: 'Average',
  fields: [
    { name: 'fromMs', type: 'long' },
    { name: 'count', type: 'int' },
    { name: 'mean', type: 'double' },
    { name: 'max', type: 'double' },
  ],
} as const

export type Reading = AvroValue<typeof readingSchema>
export type Average = AvroValue<typeof averageSchema>

const keySerde = serdes.string()

/**
 * The mean and the highest of each sensor's minute, once the minute is over; readings may come ten seconds
 * late.
 */
export function averages(reading: Serde<Reading>, average: Serde<Average>): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream('readings', { keySerde, valueSerde: reading, timestampExtractor: ({ value }) => value.atMs })
    .peek(refuseImpossible, { name: 'check' })
    .groupByKey()
    .windowedBy(timeWindows({ sizeMs: 60_000, graceMs: 10_000 }))
    .aggregate(
      () => ({ count: 0, sum: 0, max: -Infinity }),
      ({ count, sum, max }, { celsius }) => ({
        count: count + 1,
        sum: sum + celsius,
        max: Math.max(max, celsius),
      }),
      { storeName: 'minutes', valueSerde: serdes.json() },
    )
    .suppress(untilWindowCloses({ buffer: { recordsMax: 100_000, whenFull: 'shut-down' } }))
    .toStream()
    .map(({ count, sum, max }, { key, window }) => [
      key,
      { fromMs: window.startMs, count, mean: sum / count, max },
    ])
    .to('averages', { keySerde, valueSerde: average })
  return builder.build()
}

function refuseImpossible({ celsius }: Reading): void {
  if (celsius < -273.15) throw new RangeError(`a reading of ${celsius} °C`)
}

/** What cannot be read or be true goes to a topic of its own, with the reason in its headers. */
export const config: Partial<StreamsConfig> = {
  deadLetterQueueTopic: 'refused',
  deserializationErrorHandler: continueOnError,
  processingErrorHandler: continueOnError,
}

export const topics = ['readings', 'averages', 'refused'].map(topic => ({ topic, partitionCount: 4 }))

/** `millrace run sensors.ts --set registry=http://localhost:8081` */
export default async ({ registry: url = 'http://localhost:8081' }: { readonly registry?: string }) => {
  const registry = new SchemaRegistry({ url })
  return averages(
    await registry.avro({ topic: 'readings', schema: readingSchema, register: true }),
    await registry.avro({ topic: 'averages', schema: averageSchema, register: true }),
  )
}
