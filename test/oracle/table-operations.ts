import type { KTable } from '../../lib/dsl/dsl.ts'
import type { Operation } from './case.ts'
import { text, Unsupported } from './case.ts'
import { predicate } from './functions.ts'
import type { Bound, Program, StoreDescription } from './program.ts'
import { groupedTableOf, namedOf, tableOf } from './program.ts'
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
      throw new Unsupported('foreignKeyFn' in operation ? 'foreign-key join' : `${operation.op} of a table`)
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
