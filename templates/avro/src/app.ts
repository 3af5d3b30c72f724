import { serdes, StreamsBuilder, type Topology } from 'millrace'
import { avroSerdes, plainAvro, type Reading } from './schemas.ts'

const keySerde = serdes.string()

/** Names of topics; a test on a cluster gives others. */
export const TOPICS = { json: 'readings-json', readings: 'readings', averages: 'averages' }

/** Readings arrive as JSON, are written as Avro by sensor, and averaged. */
export function averages({ reading, average } = plainAvro, topics = TOPICS): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(topics.json, { keySerde, valueSerde: serdes.json<Reading>() })
    .selectKey(({ sensor }) => sensor)
    .to(topics.readings, { keySerde, valueSerde: reading })
  builder
    .stream(topics.readings, { keySerde, valueSerde: reading })
    .groupByKey()
    .aggregate(
      () => ({ count: 0, celsius: 0 }),
      (before, { celsius }) => {
        const count = before.count + 1
        return { count, celsius: before.celsius + (celsius - before.celsius) / count }
      },
      { storeName: 'averages', keySerde, valueSerde: average },
    )
    .toStream()
    .to(topics.averages, { keySerde, valueSerde: average })
  return builder.build()
}

/** Names its group, its internal topics and its state. */
export const config = { applicationId: 'my-app' }

export default async () => averages(await avroSerdes())
