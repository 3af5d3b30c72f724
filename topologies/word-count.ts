import { serdes, StreamsBuilder } from 'millrace'

/** Named as in Kafka Streams' WordCountDemo: either program can go on with the other's topics. */
const INPUT = 'streams-plaintext-input'
const OUTPUT = 'streams-wordcount-output'

/**
 * The words of a line, as Java's `line.toLowerCase().split("\\W+")` gives them: a line that begins with
 * something else has an empty word first, which the JVM demo counts, too; empty words at the end are dropped.
 * `\W` is ASCII in both languages.
 */
export function wordsOf(line: string): string[] {
  const words = line.toLowerCase().split(/\W+/)
  // Java leaves a line alone in which nothing matched, be it empty; JavaScript's split gives the same there.
  if (words.length === 1) return words
  while (words.at(-1) === '') words.pop()
  return words
}

const builder = new StreamsBuilder()

builder
  .stream<string | null, string | null>(INPUT, { keySerde: serdes.string(), valueSerde: serdes.string() })
  .flatMapValues(line => (line === null ? [] : wordsOf(line)))
  .groupBy(word => word, { keySerde: serdes.string(), valueSerde: serdes.string() })
  .count({ storeName: 'word-counts' })
  .toStream()
  .to(OUTPUT, { keySerde: serdes.string(), valueSerde: serdes.int64() })

export default builder.build()
