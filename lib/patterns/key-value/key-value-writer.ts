import type { NewTopic } from '../../broker/broker.ts'
import type { StreamsBuilder } from '../../dsl/methods/streams-builder.ts'
import { serdes } from '../../serde/serdes.ts'
import { stores } from '../../store/builders/stores.ts'
import { CommandWriter } from './command-writer.ts'
import { answersTopic, commandsTopic } from './key-value-format.ts'

const ANSWERS_KEPT_MS = 600_000
const DAY_MS = 86_400_000
/** Longest time for which a command may be sent again, by far less than its answer is kept. */
export const WRITE_TIMEOUT_MS_MAX = ANSWERS_KEPT_MS / 4

/**
 * Adds the single writer of a store to a topology: it takes the commands of every process, and is the only
 * one to write the topic. `openKeyValueStore` runs one by itself, unless `hostsWriter` is false.
 * @example
 * ```ts
 * addKeyValueWriter(builder, 'countries')
 * ```
 */
export function addKeyValueWriter(builder: StreamsBuilder, topic: string): void {
  const bytes = { keySerde: serdes.bytes(), valueSerde: serdes.bytes() }
  const name = `${topic}-writer`
  const rows = `${name}-rows`
  const answers = `${name}-answers`
  const state = stores.keyValueStore({
    name: `${name}-state`,
    keySerde: serdes.string(),
    valueSerde: serdes.json<never>(),
  })
  const options = { topic, storeName: state.name, rows, answers, answersKeptMs: ANSWERS_KEPT_MS }
  const written = builder
    .addStateStore(state)
    .stream<Uint8Array | null, Uint8Array | null>(commandsTopic(topic), {
      ...bytes,
      name: `${name}-commands`,
    })
    .process(() => new CommandWriter(options), { name, stores: [state.name] })
  written.to(topic, { ...bytes, name: rows })
  written.to(answersTopic(topic), { ...bytes, name: answers })
}

/** The topics between a store's clients and its writer. */
export function writerTopics(
  topic: string,
  { partitionCount, replicationFactor }: Pick<NewTopic, 'partitionCount' | 'replicationFactor'>,
): NewTopic[] {
  const copies = replicationFactor === undefined ? {} : { replicationFactor }
  const kept = (ms: number, segmentMs: number) => ({
    'cleanup.policy': 'delete',
    'retention.ms': String(ms),
    'segment.ms': String(segmentMs),
  })
  return [
    { topic: commandsTopic(topic), partitionCount, ...copies, config: kept(DAY_MS, DAY_MS) },
    // All of it is read at every start of a client.
    {
      topic: answersTopic(topic),
      partitionCount: 1,
      ...copies,
      config: kept(ANSWERS_KEPT_MS, ANSWERS_KEPT_MS),
    },
  ]
}
