import type { Broker } from '../../../lib/broker/broker.ts'
import { int64Of, readAll, textOf } from '../../support/topics.ts'
import type { FedRecord } from './input-feed.ts'

const GROUPS = 7
const KEYS = 97

/** Input of the tracer: the n-th record. */
export const tracerInput = (at: number): FedRecord => [`key-${at % KEYS}`, `${at}`, 1_000 + at]

export type GroupCounts = { readonly [group: string]: number }

/** The last counts that the tracer has written behind its repartition topic. */
export async function seenGroups(broker: Broker, prefix: string): Promise<GroupCounts> {
  const counts: { [group: string]: number } = {}
  for (const { key, value } of await readAll(broker, `${prefix}groups`))
    counts[textOf(key)!] = int64Of(value)!
  return counts
}

export function expectedGroups(records: number): GroupCounts {
  const counts: { [group: string]: number } = {}
  for (let at = 0; at < records; at += 1) {
    const group = `group-${at % GROUPS}`
    counts[group] = (counts[group] ?? 0) + 1
  }
  return counts
}

export interface TracerOutcome {
  readonly records: number
  /** Places where a partition's output is not its input, each record once and in order. */
  readonly troubles: readonly string[]
  /** How often each partition went from one process to another. */
  readonly moves: readonly number[]
}

/**
 * What a reader of committed records finds: every record says which input it is, and which process passed it
 * on.
 */
export async function tracerOutcome(
  broker: Broker,
  prefix: string,
  partitionCount: number,
): Promise<TracerOutcome> {
  const seen = await readAll(broker, `${prefix}seen`)
  const troubles: string[] = []
  const moves = new Array<number>(partitionCount).fill(0)
  const next = new Array<number>(partitionCount).fill(0)
  const owners = new Array<string | undefined>(partitionCount)
  for (const { partition, value } of seen) {
    const [from, offset, owner] = textOf(value)!.split(':')
    const expected = `${partition}:${next[partition]}`
    if (`${from}:${offset}` !== expected)
      troubles.push(`partition ${partition}: ${from}:${offset} by ${owner} where ${expected} was due`)
    if (owners[partition] !== undefined && owners[partition] !== owner) moves[partition]! += 1
    owners[partition] = owner
    next[partition]! += 1
  }
  return { records: seen.length, troubles, moves }
}
