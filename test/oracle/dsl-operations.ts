import type { ConsumedOptions } from '../../lib/dsl/options/options.ts'
import type { OffsetReset } from '../../lib/topology/plan.ts'
import type { Operation } from './case.ts'
import { text, texts, Unsupported } from './case.ts'
import { aggregator, initializer, reducer } from './functions.ts'
import type { Bound, Program, StoreDescription } from './program.ts'
import { namedOf, tableOf } from './program.ts'
import { serdeOf } from './serdes.ts'
import { applyStreamOperation } from './stream-operations.ts'
import { applyTableOperation } from './table-operations.ts'
import { timestampExtractor } from './timestamp-extractors.ts'
import { applyWindowedOperation, cogroup, windowedStream } from './windowed-operations.ts'

export function applyDslOperation(program: Program, operation: Operation): void {
  if (SOURCES[operation.op]) return SOURCES[operation.op]?.(program, operation)
  const bound = result(program, operation)
  if (bound) program.bind(operation.id, bound)
}

function result(program: Program, operation: Operation): Bound | undefined {
  const operand = program.operand(operation, 'of')
  switch (operand.kind) {
    case 'stream':
      return applyStreamOperation(program, operation, operand.stream)
    case 'table':
      return applyTableOperation(program, operation, operand.table)
    case 'grouped-stream':
      if (operation.op === 'windowedBy') return windowedStream(operation, operand.group)
      if (operation.op === 'cogroup') return cogroup(operation, operand.group)
      return aggregation(program, operation, operand)
    case 'grouped-table':
      return aggregation(program, operation, operand)
    case 'global-table':
      throw new Error(`${operation.op} of a global table`)
    default: {
      const found = applyWindowedOperation(operation, operand, aggregationOptions(program, operation), () =>
        otherGroup(program, operation),
      )
      return 'table' in found ? tableOf(found.table) : found
    }
  }
}

const SOURCES: { readonly [op: string]: (program: Program, operation: Operation) => void } = {
  stream(program, operation) {
    const pattern = text(operation, 'pattern')
    const topics = pattern === undefined ? texts(operation, 'topics') : new RegExp(pattern)
    const stream = program.useDsl().stream(topics, consumed(operation))
    program.bind(operation.id, { kind: 'stream', stream })
  },
  table(program, operation) {
    const options = tableOptions(program, operation)
    const table = program.useDsl().table<unknown, unknown>(text(operation, 'topic') ?? '', options)
    program.bind(operation.id, tableOf(table))
  },
  globalTable(program, operation) {
    const options = tableOptions(program, operation)
    const table = program.useDsl().globalTable<unknown, unknown>(text(operation, 'topic') ?? '', options)
    program.bind(operation.id, { kind: 'global-table', table })
  },
  globalStore(program, operation) {
    const builder = program.storeBuilder(operation['store'] as StoreDescription)
    const processor = program.fillingProcessor(operation)
    program.useDsl().addGlobalStore(builder, text(operation, 'topic') ?? '', processor, consumed(operation))
  },
  addStateStore(program, operation) {
    program.useDsl().addStateStore(program.storeBuilder(operation))
  },
}

/** A source takes `string` where the case names no serde, and leaves it open where it says null. */
function consumed(operation: Operation): ConsumedOptions<unknown, unknown> {
  const keySerde =
    operation['keySerde'] === null ? undefined : serdeOf(text(operation, 'keySerde') ?? 'string')
  const valueSerde =
    operation['valueSerde'] === null ? undefined : serdeOf(text(operation, 'valueSerde') ?? 'string')
  const extractor = text(operation, 'timestampExtractor')
  const offsetReset = text(operation, 'offsetReset') as OffsetReset | undefined
  return {
    ...namedOf(operation),
    ...(keySerde && { keySerde }),
    ...(valueSerde && { valueSerde }),
    ...(extractor !== undefined && { timestampExtractor: timestampExtractor(extractor) }),
    ...(offsetReset !== undefined && { offsetReset }),
  }
}

/** The topic's serdes are the store's too. */
function tableOptions(program: Program, operation: Operation) {
  const store = (operation['store'] as StoreDescription | undefined) ?? {}
  return { ...program.materialized(store), ...consumed(operation) }
}

function aggregation(
  program: Program,
  operation: Operation,
  operand: Extract<Bound, { kind: 'grouped-stream' | 'grouped-table' }>,
): Bound {
  const options = aggregationOptions(program, operation)
  return operand.kind === 'grouped-stream'
    ? tableOf(aggregateStream(operation, operand.group, options))
    : tableOf(aggregateTable(operation, operand.group, options))
}

function aggregationOptions(program: Program, operation: Operation): object {
  const store = (operation['store'] as StoreDescription | undefined) ?? {}
  return { ...namedOf(operation), ...program.materialized(store) }
}

function otherGroup(program: Program, operation: Operation): StreamGroup {
  const other = program.operand(operation, 'with')
  if (other.kind === 'grouped-stream') return other.group
  throw new Error('a cogroup with something else than a grouped stream')
}

type StreamGroup = Extract<Bound, { kind: 'grouped-stream' }>['group']
type TableGroup = Extract<Bound, { kind: 'grouped-table' }>['group']

function aggregateStream(operation: Operation, group: StreamGroup, options: object) {
  switch (operation.op) {
    case 'count':
      return group.count(options)
    case 'reduce':
      return group.reduce(reduceFunction(operation, 'fn'), options)
    case 'aggregate':
      return group.aggregate(
        initializer(text(operation, 'init') ?? ''),
        aggregateFunction(operation, 'fn'),
        options,
      )
    default:
      throw new Unsupported(`${operation.op} of a grouped stream`)
  }
}

function aggregateTable(operation: Operation, group: TableGroup, options: object) {
  switch (operation.op) {
    case 'count':
      return group.count(options)
    case 'reduce':
      return group.reduce(
        { adder: reduceFunction(operation, 'adder'), subtractor: reduceFunction(operation, 'subtractor') },
        options,
      )
    case 'aggregate':
      return group.aggregate(
        {
          initializer: initializer(text(operation, 'init') ?? ''),
          adder: aggregateFunction(operation, 'adder'),
          subtractor: aggregateFunction(operation, 'subtractor'),
        },
        options,
      )
    default:
      throw new Unsupported(`${operation.op} of a grouped table`)
  }
}

function reduceFunction(operation: Operation, field: string): (left: unknown, right: unknown) => {} | null {
  return reducer(text(operation, field) ?? '') as (left: unknown, right: unknown) => {} | null
}

function aggregateFunction(operation: Operation, field: string) {
  const found = aggregator(text(operation, field) ?? '')
  return (aggregate: unknown, value: unknown, key: unknown) => found(key, value, aggregate)
}
