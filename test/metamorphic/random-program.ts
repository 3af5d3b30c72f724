import type { Pair } from '../support/topics.ts'
import type { Seeded } from './seeded.ts'

/**
 * A random topology as data, so that every variant builds the very same. It has only steps whose final tables do not depend on the order
 * in which tasks meet records of different keys or partitions: that is what makes all variants comparable.
 */
export interface Program {
  readonly steps: readonly Step[]
  readonly inputs: { readonly [topic: string]: readonly Pair[] }
}

/** `of`, `with`: numbers of the streams or tables that came before. Numbers `n`, `m` are the step's own constants. */
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
 * Not the inner foreign-key join: as in the JVM original, a row that changes just when its match goes may keep its result, since the answer to
 * the old row is stale and the new row's finds nothing to say.
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

export function randomProgram(random: Seeded): Program {
  const sources: Step[] = [
    { op: 'stream', of: 0, with: 0, n: 0, m: 0 },
    { op: 'stream', of: 0, with: 0, n: 1, m: 0 },
    { op: 'table', of: 0, with: 0, n: 0, m: 0 },
    { op: 'table', of: 0, with: 0, n: 1, m: 0 },
  ]
  const steps = [...sources]
  let streams = 2
  let tables = 2
  const step = (op: Step['op'], count: number): Step => ({
    op,
    // Late ones more often: chains grow long.
    of: Math.max(random.below(count), random.below(count)),
    with: random.below(count),
    n: 2 + random.below(5),
    m: random.below(7),
  })
  for (let i = random.below(4); i > 0; i -= 1) {
    steps.push(step(random.oneOf(STREAM_OPS), streams))
    streams += 1
  }
  for (let i = 1 + random.below(3); i > 0; i -= 1) {
    steps.push(step(random.oneOf(AGGREGATIONS), streams))
    tables += 1
  }
  for (let i = random.below(4); i > 0; i -= 1) {
    steps.push(step(random.oneOf(TABLE_OPS), tables))
    tables += 1
  }
  return { steps, inputs: randomInputs(random) }
}

function randomInputs(random: Seeded): Program['inputs'] {
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
