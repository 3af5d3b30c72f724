import { serdes, StreamsBuilder, type Topology } from 'millrace'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Counts the words of the lines. A test on a cluster gives it topics of its own. */
export function wordCounts(input = 'lines', output = 'word-counts'): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(input, text)
    .flatMapValues(line => line.toLowerCase().match(/\p{L}+/gu) ?? [])
    .groupBy(word => word, text)
    .count({ storeName: 'counts' })
    .toStream()
    .to(output, { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

/** Names its group, its internal topics and its state. */
export const config = { applicationId: 'my-app' }

export default wordCounts()
