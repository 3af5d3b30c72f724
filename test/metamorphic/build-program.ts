import type { KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { joinWindows } from '../../lib/dsl/windows/join-windows.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { BuildOptions } from '../../lib/dsl/options/build-options.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { isStreamOp, type Program, type Step, type StreamOp } from './random-program.ts'

type Stream = KStream<string, number>
type Table = KTable<string, number>

export interface BuildVariant {
  readonly storeType: 'persistent' | 'in-memory'
  readonly optimization: NonNullable<BuildOptions['optimization']>
}

/** Text as the inputs have it, numbers inside. */
const number = { keySerde: serdes.string(), valueSerde: serdes.int64() }
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
/** Nothing is late, nothing expires: what is late would depend on the order of arrival. */
const GRACE_MS = 1_000_000_000

/** Output topics are `out0`, `out1`, … one for each table. */
export function buildProgram(program: Program, variant: BuildVariant): Topology {
  const builder = new StreamsBuilder()
  const streams: Stream[] = []
  const tables: Table[] = []
  for (const step of program.steps) {
    if (step.op === 'stream')
      streams.push(builder.stream<string, string>(`s${step.n}`, text).mapValues(Number))
    else if (step.op === 'table') tables.push(sourceTable(builder, step, variant))
    else if (isStreamOp(step.op)) streams.push(streamStep(step, step.op, streams))
    else tables.push(tableStep(step, streams, tables, variant))
  }
  for (const [at, table] of tables.entries()) table.toStream().to(`out${at}`, number)
  return builder.build({ optimization: variant.optimization })
}

function sourceTable(builder: StreamsBuilder, { n }: Step, { storeType }: BuildVariant): Table {
  return builder
    .table<string, string>(`t${n}`, { ...text, storeType })
    .mapValues(value => Number(value), { ...number, storeType })
}

function streamStep({ of, with: other, n, m }: Step, op: StreamOp, streams: readonly Stream[]): Stream {
  const stream = streams[of]!
  switch (op) {
    case 'filter':
      return stream.filter(value => value % n !== m)
    case 'mapValues':
      return stream.mapValues(value => (value * n + m) % 1_000)
    case 'flatMapValues':
      return stream.flatMapValues(value => (value % n === 0 ? [] : [value, value + m]))
    case 'selectKey':
      return stream.selectKey(value => `r${value % n}`)
    case 'merge':
      return stream.merge(streams[other]!)
    case 'repartition':
      return stream.repartition(number)
  }
}

function tableStep(
  { op, of, with: other, n, m }: Step,
  streams: readonly Stream[],
  tables: readonly Table[],
  { storeType }: BuildVariant,
): Table {
  const store = { ...number, storeType }
  const stream = () => streams[of]!
  const table = () => tables[of]!
  const right = () => tables[other]!
  const joined = (left: number | null, found: number | null) => ((left ?? -n) * 31 + (found ?? -m)) % 100_003
  switch (op) {
    case 'count':
      return stream().groupByKey(number).count(store)
    case 'sum':
      return stream()
        .groupByKey(number)
        .reduce((sum, value) => sum + value, store)
    case 'largest':
      return stream()
        .groupByKey(number)
        .aggregate(
          () => -1,
          (largest, value) => Math.max(largest, value),
          store,
        )
    case 'groupByCount':
      return stream()
        .groupBy(value => `g${value % n}`, number)
        .count(store)
    case 'windowedCount':
      return countWindows(stream(), n, storeType)
    case 'joinedCount':
      return countPairs(stream(), streams[other]!, n, storeType)
    case 'filterTable':
      return table().filter(value => value % n !== m, store)
    case 'mapTable':
      return table().mapValues<number>(value => (value + m) % 500, store)
    case 'join':
      return table().join(right(), joined, store)
    case 'leftJoin':
      return table().leftJoin(right(), joined, store)
    case 'outerJoin':
      return table().outerJoin(right(), joined, store)
    case 'leftForeignKeyJoin':
      return table().leftJoin(right(), value => `k${value % n}`, joined, store)
    case 'groupTableSum':
      return withoutEmptyGroups(
        table()
          .groupBy((value, key) => [value > 0 ? key.slice(-1) : null, value], number)
          .reduce({ adder: (sum, value) => sum + value, subtractor: (sum, value) => sum - value }, store),
      )
    case 'groupTableCount':
      return withoutEmptyGroups(
        table()
          .groupBy(value => [value > 0 ? `g${value % n}` : null, value], number)
          .count(store),
      )
    default:
      throw new Error(`no table is made by ${op}`)
  }
}

/**
 * Rows of 0 and less are in no group: an aggregation's old value of a new key is its initial value, not null,
 * which a group of such rows would lose once, if it is there already. So it is in Kafka Streams, and so its
 * counts depend on what caches let through.
 *
 * A group that was entered and left again has a row of 0, unless a cache has seen both at once.
 */
function withoutEmptyGroups(table: Table): Table {
  return table.filter(value => value !== 0)
}

/** As a table of text keys again, so that other tables can be joined with it. */
function countWindows(stream: Stream, n: number, storeType: BuildVariant['storeType']): Table {
  return stream
    .groupByKey(number)
    .windowedBy(timeWindows({ sizeMs: 200 * n, graceMs: GRACE_MS }))
    .count({ ...number, storeType })
    .toStream()
    .map((count, { key, window }) => [`${key}@${window.startMs}`, count])
    .toTable({ ...number, storeType })
}

function countPairs(left: Stream, right: Stream, n: number, storeType: BuildVariant['storeType']): Table {
  const windows = joinWindows({ timeDifferenceMs: 50 * n, graceMs: GRACE_MS })
  return left
    .join(right, (one, two) => one + two, { windows, ...number, otherValueSerde: serdes.int64() })
    .groupByKey(number)
    .count({ ...number, storeType })
}
