import type { RecordContext } from '../../common/record-context.ts'
import { letterTimestamp, ordinalOf, readLetter, type LetterRecord } from '../../processor/letter.ts'
import { serdes } from '../../serde/serdes.ts'
import type { OwnSourceDefinition } from '../graph/graph-node.ts'
import type { AsyncInput } from './input-format.ts'

const KEPT_MS = 7 * 24 * 3_600_000
const BYTES_MAX = 16 * 1024 * 1024

/**
 * The second source of an operator with retry: letters that are to be processed again, each in the partition
 * of the task that gave it up. It has the time of its record, so that it comes before what is newer.
 */
export function replaySource(operator: string): OwnSourceDefinition {
  const name = replayTopic(operator)
  return {
    name,
    topics: [name],
    keySerde: serdes.bytes(),
    valueSerde: serdes.bytes(),
    timestampExtractor: ({ headers }) => letterTimestamp(headers),
    own: {
      partitionCount: 'tasks',
      config: {
        'cleanup.policy': 'delete',
        'retention.ms': String(KEPT_MS),
        'max.message.bytes': String(BYTES_MAX),
      },
      isKept: false,
    },
  }
}

/** Without the application's id. */
export function replayTopic(operator: string): string {
  return `${operator}-replay`
}

/**
 * What the operator got before it gave the record up, with its place and its time: so the call has the same
 * idempotency key. Undefined where the record is no letter.
 */
export function replayedInput(record: LetterRecord): AsyncInput | undefined {
  const letter = readLetter(record)
  if (!letter) return undefined
  const { input, topic, partition, offset, timestamp, headers, key, value } = letter
  const context: RecordContext = {
    topic,
    partition,
    offset,
    timestamp,
    headers,
    source: topic === undefined ? undefined : { key, value },
  }
  return { ...input, context, ordinal: ordinalOf(letter) }
}
