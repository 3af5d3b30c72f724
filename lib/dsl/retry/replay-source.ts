import { contextOf, ordinalOf, readLetter, type LetterRecord } from '../../processor/letter.ts'
import { REPLAY_SOURCE } from '../../topology/replay-nodes.ts'
import type { OwnSourceDefinition } from '../graph/graph-node.ts'
import type { AsyncInput } from '../calls/input-format.ts'

/**
 * The second source of an operator with retry: letters that are to be processed again, each in the partition
 * of the task that gave it up. It has the time of its record, so that it comes before what is newer.
 */
export function replaySource(operator: string): OwnSourceDefinition {
  const name = replayTopic(operator)
  return { name, topics: [name], ...REPLAY_SOURCE }
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
  return letter && { ...letter.input, context: contextOf(letter), ordinal: ordinalOf(letter) }
}
