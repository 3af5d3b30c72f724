import type { ValueTransformer } from '../../lib/dsl/options/functions.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import type { KTable } from '../../lib/dsl/api/kstream.ts'
import type {
  Suppressed,
  UntilTimeLimitOptions,
  UntilWindowClosesOptions,
} from '../../lib/dsl/options/suppressed.ts'
import { untilTimeLimit, untilWindowCloses } from '../../lib/dsl/options/suppressed.ts'
import type { Operation } from './case.ts'
import { text, texts, Unsupported } from './case.ts'
import { joiner, partitioner, predicate, valueFunction } from './functions.ts'
import type { Bound, Program, StoreDescription } from './program.ts'
import { groupedTableOf, namedOf, tableOf } from './program.ts'
import { printed } from './serdes.ts'
import { grouped, mapper } from './stream-operations.ts'

type Table = KTable<unknown, unknown>

export function applyTableOperation(program: Program, operation: Operation, table: Table): Bound {
  switch (operation.op) {
    case 'filter':
      return tableOf(table.filter(test(operation), tableOptions(program, operation)))
    case 'filterNot':
      return tableOf(table.filterNot(test(operation), tableOptions(program, operation)))
    case 'mapValues':
      return tableOf(table.mapValues(mapper(operation, 'fn'), tableOptions(program, operation)))
    case 'transformValues':
      return tableOf(
        table.transformValues(valueTransformer(operation), {
          ...tableOptions(program, operation),
          stores: texts(operation, 'stores'),
        }),
      )
    case 'join':
    case 'leftJoin':
    case 'outerJoin':
      return tableOf(join(program, operation, table))
    case 'suppress':
      return tableOf(table.suppress(suppression(operation)))
    case 'toStream': {
      const stream = table.toStream(namedOf(operation))
      const rekeyed = 'fn' in operation ? stream.selectKey(mapper(operation, 'fn')) : stream
      return { kind: 'stream', stream: rekeyed }
    }
    case 'groupBy': {
      const key = mapper(operation, 'keyFn')
      const value = mapper(operation, 'valueFn')
      const group = table.groupBy((v, k) => [key(v, k), value(v, k)] as const, grouped(operation))
      return groupedTableOf(group)
    }
    default:
      throw new Unsupported(`${operation.op} of a table`)
  }
}

function suppression(operation: Operation): Suppressed<unknown> {
  const limits = (operation['buffer'] ?? {}) as {
    readonly maxRecords?: number
    readonly maxBytes?: number
    readonly whenFull?: string
    readonly logging?: boolean
  }
  const { maxRecords: recordsMax, maxBytes: bytesMax } = limits
  const whenFull = limits.whenFull === 'shutDown' ? 'shut-down' : 'emit-early'
  const isBounded = recordsMax !== undefined || bytesMax !== undefined
  const options = {
    ...namedOf(operation),
    buffer: isBounded
      ? {
          ...(recordsMax !== undefined && { recordsMax }),
          ...(bytesMax !== undefined && { bytesMax }),
          whenFull,
        }
      : 'unbounded',
    ...(limits.logging === false && { logging: false as const }),
  } as UntilTimeLimitOptions
  if (operation['until'] === 'windowCloses') {
    return untilWindowCloses(options as UntilWindowClosesOptions) as Suppressed<unknown>
  }
  const { timeLimitMs } = operation['until'] as { readonly timeLimitMs: number }
  return untilTimeLimit({ ...options, timeLimitMs })
}

/** Joiners of tables are given no key in cases. */
function join(program: Program, operation: Operation, table: Table): object {
  const other = program.operand(operation, 'with')
  if (other.kind !== 'table') throw new Error('a table joined with something else than a table')
  const combine = joiner(text(operation, 'fn') ?? '')
  const joined = (left: unknown, right: unknown) => combine(null, left, right)
  if ('foreignKeyFn' in operation) {
    const foreignKey = mapper(operation, 'foreignKeyFn')
    return table[operation.op as 'join'](other.table, foreignKey, joined, {
      ...tableOptions(program, operation),
      ...partitioners(operation),
    })
  }
  return table[operation.op as 'join'](other.table, joined, tableOptions(program, operation))
}

function partitioners(operation: Operation) {
  const own = text(operation, 'partitioner')
  const other = text(operation, 'otherPartitioner')
  return {
    ...(own !== undefined && { partitioner: partitioner(own) }),
    ...(other !== undefined && { otherPartitioner: partitioner(other) }),
  }
}

function valueTransformer(operation: Operation): () => ValueTransformer<unknown, unknown, unknown> {
  const spec = text(operation, 'transformer') ?? ''
  const stores = texts(operation, 'stores')
  const map = /^vt\.map\((.*)\)$/.exec(spec)
  if (map) {
    const found = valueFunction(map[1] ?? '')
    return () => ({ transform: (value, key) => found(key, value) })
  }
  if (spec !== 'vt.count') throw new Unsupported(`transformer ${spec}`)
  return () => new CountingTransformer(stores[0] ?? '')
}

class CountingTransformer implements ValueTransformer<unknown, unknown, unknown> {
  readonly #storeName: string
  #store!: KeyValueStore<unknown, number>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore(this.#storeName)
  }

  transform(value: unknown, key: unknown): unknown {
    const count = (this.#store.get(key) ?? 0) + 1
    this.#store.put(key, count)
    return `${printed(value)}#${count}`
  }
}

/** Without `store`, the table says nothing about one. */
function tableOptions(program: Program, operation: Operation): { [option: string]: unknown } {
  const store = operation['store'] as StoreDescription | undefined
  return { ...namedOf(operation), ...(store && program.materialized(store)) }
}

function test(operation: Operation): (value: unknown, key: unknown) => boolean {
  const found = predicate(text(operation, 'fn') ?? '')
  return (value, key) => found(key, value)
}
