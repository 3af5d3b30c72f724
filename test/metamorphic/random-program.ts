import type { Pair } from '../support/topics.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

/**
 * A random topology as data, so that every variant builds the very same. It has only steps whose final tables
 * do not depend on the order in which tasks meet records of different keys or partitions: that is what makes
 * all variants comparable.
 */
export interface Program {
  readonly steps: readonly Step[]
  readonly inputs: { readonly [topic: string]: readonly Pair[] }
}

/**
 * `of`, `with`: numbers of the streams or tables that came before. Numbers `n`, `m` are the step's own
 * constants.
 */
export interface Step {
  readonly op: StreamOp | TableOp | 'stream' | 'table'
  readonly of: number
  readonly with: number
  readonly n: number
  readonly m: number
}

const STREAM_OPS = ['filter', 'mapValues', 'flatMapValues', 'selectKey', 'merge', 'repartition'] as const
const AGGREGATIONS = ['count', 'sum', 'largest', 'groupByCount', 'windowedCount', 'joinedCount'] as const
/**
 * Not the inner foreign-key join: as in Kafka Streams, a row that changes just when its match goes may keep
 * its result, since the answer to the old row is stale and the new row's finds nothing to say.
 */
const TABLE_OPS = [
  'filterTable',
  'mapTable',
  'join',
  'leftJoin',
  'outerJoin',
  'leftForeignKeyJoin',
  'groupTableSum',
  'groupTableCount',
] as const

export type StreamOp = (typeof STREAM_OPS)[number]
export type TableOp = (typeof AGGREGATIONS)[number] | (typeof TABLE_OPS)[number]

export const isStreamOp = (op: Step['op']): op is StreamOp => (STREAM_OPS as readonly string[]).includes(op)

const JOINS: ReadonlySet<Step['op']> = new Set(['join', 'leftJoin', 'outerJoin', 'leftForeignKeyJoin'])

export function randomProgram(random: SeededRandom): Program {
  const steps: Step[] = SOURCES.map(({ op, n }) => ({ op, of: 0, with: 0, n, m: 0 }))
  // Of each stream and table: the sources that it comes from.
  const streams: Origin[] = [new Set(['s0']), new Set(['s1'])]
  const tables: Origin[] = [new Set(['t0']), new Set(['t1'])]
  const add = (ops: readonly Step['op'][], parents: readonly Origin[], children: Origin[]): void => {
    const step = randomStep(random, random.pick(ops), parents)
    const origins = [parents[step.of]!, ...(NEEDS_OTHER.has(step.op) ? [parents[step.with]!] : [])]
    steps.push(step)
    children.push(new Set(origins.flatMap(origin => [...origin])))
  }
  for (let i = random.below(4); i > 0; i -= 1) add(STREAM_OPS, streams, streams)
  for (let i = 1 + random.below(3); i > 0; i -= 1) add(AGGREGATIONS, streams, tables)
  for (let i = random.below(4); i > 0; i -= 1) add(TABLE_OPS, tables, tables)
  return { steps, inputs: randomInputs(random) }
}

type Origin = ReadonlySet<string>

const SOURCES = [
  { op: 'stream', n: 0 },
  { op: 'stream', n: 1 },
  { op: 'table', n: 0 },
  { op: 'table', n: 1 },
] as const

const NEEDS_OTHER: ReadonlySet<Step['op']> = new Set([...JOINS, 'merge', 'joinedCount'])

/**
 * A table joined with a relative sends each result twice, with old values that an aggregation below would
 * take away twice: as in Kafka Streams.
 */
function randomStep(random: SeededRandom, op: Step['op'], parents: readonly Origin[]): Step {
  // Late ones more often: chains grow long.
  const of = Math.max(random.below(parents.length), random.below(parents.length))
  const other = random.below(parents.length)
  const related = [...parents[of]!].some(source => parents[other]!.has(source))
  const constants = { n: 2 + random.below(5), m: random.below(7) }
  return { op: JOINS.has(op) && related ? 'mapTable' : op, of, with: other, ...constants }
}

function randomInputs(random: SeededRandom): Program['inputs'] {
  const records = (count: number, deletions: number): Pair[] =>
    Array.from({ length: count }, (_, at) => {
      const key = `k${random.below(8)}`
      const value = random.chance(deletions) ? null : String(random.below(1_000))
      // Up to 400 ms behind their neighbours.
      return [key, value, 10_000 + at * 20 - random.below(400)]
    })
  return {
    s0: records(120, 0),
    s1: records(60, 0),
    t0: records(50, 0.2),
    t1: records(50, 0.2),
  }
}
