import { groupOf, numberOf } from './ledger-topology.ts'
import type { WitnessedRecord } from './witness.ts'

export const OUTPUTS = ['seen', 'joined', 'perkey', 'groups'] as const
export type OutputName = (typeof OUTPUTS)[number]
export type Outputs = { readonly [name in OutputName]: readonly WitnessedRecord[] }

export interface Allowances {
  /** Outputs whose topics were made anew: they hold the end of what is expected. */
  readonly endOnly?: readonly OutputName[]
  /** Counts whose input was lost with its topic: they go up by one, but not to the end. */
  readonly short?: readonly ('perkey' | 'groups')[]
}

const TROUBLES_MAX = 8

/**
 * What is wrong with the outputs of the ledger topology, whose inputs were these, in this order in each
 * partition: each input seen and joined once and in order, each count 1, 2, 3, … up to the number of its
 * inputs. Empty: nothing.
 */
export function troublesOf(
  inputs: readonly WitnessedRecord[],
  outputs: Outputs,
  { endOnly = [], short = [] }: Allowances = {},
): string[] {
  const place = ({ partition, offset }: WitnessedRecord) => `${partition}:${offset}`
  const sequences = [
    { name: 'seen', wanted: place, found: ({ value }: WitnessedRecord) => value },
    {
      name: 'joined',
      wanted: ({ value }: WitnessedRecord) => numberOf(value),
      found: ({ value }: WitnessedRecord) => value.slice(0, value.indexOf('|')),
    },
  ] as const
  const counts = [
    { name: 'perkey', keyOf: ({ key }: WitnessedRecord) => key },
    { name: 'groups', keyOf: ({ value }: WitnessedRecord) => groupOf(value) },
  ] as const
  return [
    ...sequences.flatMap(({ name, wanted, found }) =>
      sequenceTroubles(
        name,
        perPartition(inputs, wanted),
        perPartition(outputs[name], found),
        endOnly.includes(name),
      ),
    ),
    ...counts.flatMap(({ name, keyOf }) =>
      countTroubles(name, tally(inputs.map(keyOf)), outputs[name], {
        anyStart: endOnly.includes(name),
        anyEnd: short.includes(name),
      }),
    ),
  ]
}

/**
 * What is wrong where large records may be refused and are let go: of each input whose number `every` divides
 * there is the large record, or its dead letter, once.
 */
export function refusedTroubles(
  inputs: readonly WitnessedRecord[],
  written: readonly WitnessedRecord[],
  every: number,
): string[] {
  const numbers = (records: readonly WitnessedRecord[]) => records.map(({ value }) => numberOf(value))
  const wanted = numbers(inputs).filter(number => Number(number) % every === 0)
  const [lost, surplus] = [beyond(wanted, numbers(written)), beyond(numbers(written), wanted)]
  if (lost.length + surplus.length === 0) return []
  return [`large records and letters: of ${wanted.length} lost ${some(lost)}, too often ${some(surplus)}`]
}

/** Inputs of which the output says that they were processed: what the counts must be made of. */
export function processedInputs(
  inputs: readonly WitnessedRecord[],
  seen: readonly WitnessedRecord[],
): WitnessedRecord[] {
  const places = new Set(seen.map(({ value }) => value))
  return inputs.filter(({ partition, offset }) => places.has(`${partition}:${offset}`))
}

type Lists = ReadonlyMap<number, readonly string[]>

function perPartition(
  records: readonly WitnessedRecord[],
  textOf: (record: WitnessedRecord) => string,
): Lists {
  const lists = new Map<number, string[]>()
  for (const record of records) {
    const list = lists.get(record.partition)
    if (list) list.push(textOf(record))
    else lists.set(record.partition, [textOf(record)])
  }
  return lists
}

function sequenceTroubles(name: string, wanted: Lists, found: Lists, endOnly: boolean): string[] {
  const troubles: string[] = []
  for (const partition of new Set([...wanted.keys(), ...found.keys()])) {
    const got = found.get(partition) ?? []
    const all = wanted.get(partition) ?? []
    const want = endOnly ? all.slice(Math.max(0, all.length - got.length)) : all
    const trouble = differenceOf(want, got)
    if (trouble) troubles.push(`${name}, partition ${partition}: ${trouble}`)
  }
  return troubles.slice(0, TROUBLES_MAX)
}

/** Offsets, and so what is seen, come again where an input topic was made anew: what counts is how often. */
function differenceOf(want: readonly string[], got: readonly string[]): string | undefined {
  const at = want.findIndex((each, index) => each !== got[index])
  if (at < 0 && got.length === want.length) return undefined
  const lost = beyond(want, got)
  const surplus = beyond(got, want)
  if (lost.length + surplus.length === 0) return `at ${at} ${got[at]} where ${want[at]} was due`
  return `of ${want.length} lost ${some(lost)}, too often ${some(surplus)}`
}

/** What the first list has more often than the second. */
function beyond(list: readonly string[], other: readonly string[]): string[] {
  const times = tally(other)
  return [...tally(list)].filter(([each, count]) => count > (times.get(each) ?? 0)).map(([each]) => each)
}

function some(list: readonly string[]): string {
  const shown = list.length > 4 ? [...list.slice(0, 3), '…', list.at(-1)] : list
  return list.length === 0 ? '0' : `${list.length} (${shown.join(', ')})`
}

function countTroubles(
  name: string,
  wanted: ReadonlyMap<string, number>,
  records: readonly WitnessedRecord[],
  { anyStart, anyEnd }: { readonly anyStart: boolean; readonly anyEnd: boolean },
): string[] {
  const troubles: string[] = []
  const last = new Map<string, number>()
  for (const { key, value } of records) {
    const count = Number(value)
    const before = last.get(key) ?? (anyStart ? count - 1 : 0)
    if (count !== before + 1) troubles.push(`${name}: ${key} counted ${count} after ${before}`)
    last.set(key, count)
  }
  for (const [key, count] of wanted) {
    const end = last.get(key) ?? 0
    if (anyEnd ? end > count : end !== count) troubles.push(`${name}: ${key} ends at ${end} where ${count}`)
  }
  return troubles.slice(0, TROUBLES_MAX)
}

function tally(list: readonly string[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const each of list) times.set(each, (times.get(each) ?? 0) + 1)
  return times
}
