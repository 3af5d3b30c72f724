import type { KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { joinWindows } from '../../lib/dsl/windows/join-windows.ts'
import type { Operation } from './case.ts'
import { text, texts, Unsupported } from './case.ts'
import { joiner, listFunction, partitioner, predicate, topicFunction, valueFunction } from './functions.ts'
import type { Bound, Program, StoreDescription } from './program.ts'
import { groupedStreamOf, namedOf, serdesOf, tableOf } from './program.ts'
import { serdeOf, toJson } from './serdes.ts'

type Stream = KStream<unknown, unknown>
type Apply = (stream: Stream, operation: Operation, program: Program) => Stream | Bound | void

export function applyStreamOperation(
  program: Program,
  operation: Operation,
  stream: Stream,
): Bound | undefined {
  const apply = OPERATIONS[operation.op]
  if (!apply) throw new Unsupported(`${operation.op} of a stream`)
  const result = apply(stream, operation, program)
  if (!result) return undefined
  return 'kind' in result ? result : { kind: 'stream', stream: result }
}

const OPERATIONS: { readonly [op: string]: Apply } = {
  filter: (stream, operation) => stream.filter(test(operation), namedOf(operation)),
  filterNot: (stream, operation) => stream.filterNot(test(operation), namedOf(operation)),
  map: (stream, operation) => {
    const key = mapper(operation, 'keyFn')
    const value = mapper(operation, 'valueFn')
    return stream.map((v, k) => [key(v, k), value(v, k)] as const, namedOf(operation))
  },
  mapValues: (stream, operation) => stream.mapValues(mapper(operation, 'fn'), namedOf(operation)),
  selectKey: (stream, operation) => stream.selectKey(mapper(operation, 'fn'), namedOf(operation)),
  flatMap: (stream, operation) => {
    const elements = listFunction(text(operation, 'fn') ?? '')
    const key = mapper(operation, 'keyFn')
    const value = mapper(operation, 'valueFn')
    const flat = (v: unknown, k: unknown) => elements(k, v).map(e => [key(e, k), value(e, k)] as const)
    return stream.flatMap(flat, namedOf(operation))
  },
  flatMapValues: (stream, operation) => {
    const elements = listFunction(text(operation, 'fn') ?? '')
    return stream.flatMapValues((v, k) => elements(k, v), namedOf(operation))
  },
  peek: (stream, operation, program) => stream.peek(tracer(operation, program), namedOf(operation)),
  foreach: (stream, operation, program) => stream.forEach(tracer(operation, program), namedOf(operation)),
  merge: (stream, operation, program) => {
    const other = program.operand(operation, 'with')
    if (other.kind !== 'stream') throw new Error('merge with something else than a stream')
    return stream.merge(other.stream, namedOf(operation))
  },
  split: (stream, operation, program) => split(stream, operation, program),
  repartition: (stream, operation) =>
    stream.repartition({
      ...namedOf(operation),
      ...serdesOf(operation),
      ...partitionerOf(operation),
      ...(typeof operation['partitions'] === 'number' && { partitionCount: operation['partitions'] }),
    }),
  groupByKey: (stream, operation) => groupedStreamOf(stream.groupByKey(grouped(operation))),
  groupBy: (stream, operation) =>
    groupedStreamOf(stream.groupBy(mapper(operation, 'fn'), grouped(operation))),
  toTable: (stream, operation, program) => {
    const store = (operation['store'] as StoreDescription | undefined) ?? {}
    return tableOf(stream.toTable({ ...namedOf(operation), ...program.materialized(store) }))
  },
  join: (stream, operation, program) => join(stream, operation, program, false),
  leftJoin: (stream, operation, program) => join(stream, operation, program, true),
  outerJoin: (stream, operation, program) => joinStream(stream, operation, program),
  process: (stream, operation, program) =>
    stream.process(program.processor(operation), {
      ...namedOf(operation),
      stores: texts(operation, 'stores'),
    }),
  processValues: (stream, operation, program) =>
    stream.processValues(program.processor(operation), {
      ...namedOf(operation),
      stores: texts(operation, 'stores'),
    }),
  to: (stream, operation) => {
    const topicFrom = text(operation, 'topicFrom')
    const topic = topicFrom === undefined ? (text(operation, 'topic') ?? '') : topicFunction(topicFrom)
    stream.to(topic, { ...namedOf(operation), ...serdesOf(operation), ...partitionerOf(operation) })
  },
}

interface BranchOfCase {
  readonly id: string
  readonly fn?: string
  readonly name?: string
}

function split(stream: Stream, operation: Operation, program: Program): void {
  const bind = ({ id, name }: BranchOfCase) => ({
    ...(name !== undefined && { name }),
    chain: (branch: Stream): void => program.bind(id, { kind: 'stream', stream: branch }),
  })
  const splitting = stream.split(namedOf(operation))
  for (const branch of operation['branches'] as BranchOfCase[]) {
    const found = predicate(branch.fn ?? '')
    splitting.branch((value, key) => found(key, value), bind(branch))
  }
  const byDefault = operation['default'] as BranchOfCase | undefined
  if (byDefault) splitting.defaultBranch(bind(byDefault))
  else splitting.noDefaultBranch()
}

function join(stream: Stream, operation: Operation, program: Program, left: boolean): Stream {
  const other = program.operand(operation, 'with')
  const combine = joiner(text(operation, 'fn') ?? '')
  const joined = (one: unknown, two: unknown, key: unknown) => combine(key, one, two)
  switch (other.kind) {
    case 'table': {
      const table = other.table as KTable<NonNullable<unknown>, unknown>
      const graceMs = operation['graceMs']
      const options = {
        ...namedOf(operation),
        ...serdesOf(operation),
        ...(typeof graceMs === 'number' && { graceMs }),
      }
      return left ? stream.leftJoin(table, joined, options) : stream.join(table, joined, options)
    }
    case 'global-table': {
      const key = mapper(operation, 'keyFn')
      const options = namedOf(operation)
      return left
        ? stream.leftJoin(other.table, key, joined, options)
        : stream.join(other.table, key, joined, options)
    }
    case 'stream':
      return joinStream(stream, operation, program)
    default:
      throw new Error(`${operation.op} of a stream with a ${other.kind}`)
  }
}

function joinStream(stream: Stream, operation: Operation, program: Program): Stream {
  const other = program.operand(operation, 'with')
  if (other.kind !== 'stream') throw new Error(`${operation.op} of a stream with a ${other.kind}`)
  const combine = joiner(text(operation, 'fn') ?? '')
  const joined = (left: unknown, right: unknown, key: unknown) => combine(key, left, right)
  const { storeType } = program.materialized({ type: operation['storeType'] })
  const otherValueSerde = text(operation, 'otherValueSerde')
  const storeName = text(operation, 'storeName')
  return stream[operation.op as 'join'](other.stream, joined, {
    windows: windowsOf(operation['window'] as { readonly [field: string]: number }),
    ...namedOf(operation),
    ...serdesOf(operation),
    ...(otherValueSerde !== undefined && { otherValueSerde: serdeOf(otherValueSerde) }),
    ...(storeName !== undefined && { storeName }),
    storeType: storeType as 'persistent' | 'in-memory',
    ...(operation['logging'] === false && { logging: false as const }),
  })
}

/** Built step by step in Kafka Streams, which looks at each step. */
function windowsOf({ diffMs = 0, beforeMs, afterMs, graceMs = 0 }: { readonly [field: string]: number }) {
  joinWindows({ timeDifferenceMs: diffMs, graceMs })
  if (afterMs !== undefined) joinWindows({ timeDifferenceMs: diffMs, afterMs, graceMs })
  return joinWindows({
    timeDifferenceMs: diffMs,
    ...(beforeMs !== undefined && { beforeMs }),
    ...(afterMs !== undefined && { afterMs }),
    graceMs,
  })
}

export function mapper(operation: Operation, field: string): (value: unknown, key: unknown) => unknown {
  const found = valueFunction(text(operation, field) ?? '')
  return (value, key) => found(key, value)
}

function test(operation: Operation): (value: unknown, key: unknown) => boolean {
  const found = predicate(text(operation, 'fn') ?? '')
  return (value, key) => found(key, value)
}

function tracer(operation: Operation, program: Program): (value: unknown, key: unknown) => void {
  const label = operation.id ?? text(operation, 'name')
  return (value, key) => program.trace.push([label, toJson(key), toJson(value)])
}

function partitionerOf(operation: Operation) {
  const spec = text(operation, 'partitioner')
  return spec === undefined ? {} : { partitioner: partitioner(spec) }
}

export function grouped(operation: Operation): { [option: string]: unknown } {
  return { ...namedOf(operation), ...serdesOf(operation) }
}
