import type { IndexedKey } from '../../serde/indexed-key.ts'
import type { KGroupedTable, KStream, KTable } from '../api/kstream.ts'
import type {
  Joiner,
  Mapper,
  PairMapper,
  Predicate,
  RowChange,
  ValueTransformerFactory,
} from '../options/functions.ts'
import { joinForeignKey } from '../operators/table/foreign-key-join.ts'
import { groupTable } from '../operators/table/group-table.ts'
import { reverseIndex } from '../operators/table/reverse-index.ts'
import { suppress } from '../operators/table/suppress.ts'
import { tableChanges } from '../operators/table/table-changes.ts'
import { transformTableValues } from '../operators/table/transform-table-values.ts'
import { filterTable, mapTableValues } from '../operators/table/table-values.ts'
import { joinTables } from '../operators/table/table-table-join.ts'
import type { TableJoinKind } from '../operators/table/table-table-join.ts'
import { toStream } from '../operators/table/to-stream.ts'
import type {
  ForeignKeyJoinOptions,
  GroupedOptions,
  NamedOptions,
  ReverseIndexOptions,
  TableOptions,
  TransformValuesOptions,
} from '../options/options.ts'
import type { TableHandle } from '../kit/handles.ts'
import { HANDLE } from '../kit/handles.ts'
import type { Suppressed } from '../options/suppressed.ts'
import type { MethodsFactory } from './methods-factory.ts'

interface AnyTable {
  readonly [HANDLE]: TableHandle
}

type ForeignKeyArguments<K, V, VR> = [
  Mapper<K, V, unknown>,
  Joiner<K, V, unknown, VR>,
  ForeignKeyJoinOptions<K, unknown, NonNullable<VR>>?,
]

/** A table's methods, each of which is an operator. */
export class TableMethods<K, V, D extends null = null> implements KTable<K, V, D> {
  readonly [HANDLE]: TableHandle
  readonly #factory: MethodsFactory

  constructor(handle: TableHandle, factory: MethodsFactory) {
    this[HANDLE] = handle
    this.#factory = factory
  }

  get queryableStoreName(): string | undefined {
    return this[HANDLE].queryableStoreName
  }

  filter<R extends V>(predicate: Predicate<K, V>, options?: TableOptions<K, R>): KTable<K, R> {
    return this.#factory.table(filterTable(this[HANDLE], predicate, true, options))
  }

  filterNot(predicate: Predicate<K, V>, options?: TableOptions<K, V>): KTable<K, V> {
    return this.#factory.table(filterTable(this[HANDLE], predicate, false, options))
  }

  mapValues<VR>(
    mapper: Mapper<K, V, VR>,
    options?: TableOptions<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>, D | Extract<VR, null>> {
    return this.#factory.table(mapTableValues(this[HANDLE], mapper, options))
  }

  transformValues<VR>(
    factory: ValueTransformerFactory<K, V, VR>,
    options?: TransformValuesOptions<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>> {
    return this.#factory.table(transformTableValues(this[HANDLE], factory, options))
  }

  join<VR>(other: AnyTable, ...rest: readonly unknown[]): KTable<K, NonNullable<VR>> {
    return this.#join(other, 'inner', rest)
  }

  leftJoin<VR>(other: AnyTable, ...rest: readonly unknown[]): KTable<K, NonNullable<VR>> {
    return this.#join(other, 'left', rest)
  }

  outerJoin<VR>(other: AnyTable, ...rest: readonly unknown[]): KTable<K, NonNullable<VR>> {
    return this.#join(other, 'outer', rest)
  }

  suppress(suppressed: Suppressed<K>): KTable<K, V, D> {
    return this.#factory.table(suppress(this[HANDLE], suppressed))
  }

  toStream(options?: NamedOptions): KStream<K, V | D> {
    return this.#factory.stream(toStream(this[HANDLE], options))
  }

  changes(options?: NamedOptions): KStream<K, RowChange<V>> {
    return this.#factory.stream(tableChanges(this[HANDLE], options))
  }

  reverseIndex<KI, VR = V>(
    keys: Mapper<K, V, Iterable<KI | null>>,
    options: ReverseIndexOptions<KI, K, V, VR>,
  ): KTable<IndexedKey<KI, K>, NonNullable<VR>> {
    return this.#factory.table(reverseIndex(this[HANDLE], keys, options))
  }

  groupBy<KR, VR>(
    selector: PairMapper<K, V, KR, VR>,
    options?: GroupedOptions<NonNullable<KR>, NonNullable<VR>>,
  ): KGroupedTable<NonNullable<KR>, NonNullable<VR>> {
    return this.#factory.groupedTable(groupTable(this[HANDLE], selector, options))
  }

  #join<VR>(other: AnyTable, kind: TableJoinKind, rest: readonly unknown[]): KTable<K, NonNullable<VR>> {
    if (typeof rest[1] === 'function') {
      const [extractor, joiner, options] = rest as ForeignKeyArguments<K, V, VR>
      const isLeft = kind === 'left'
      return this.#factory.table(
        joinForeignKey(this[HANDLE], other[HANDLE], extractor, joiner, isLeft, options),
      )
    }
    const [joiner, options] = rest as [Joiner<K, unknown, unknown, VR>, TableOptions<K, NonNullable<VR>>?]
    return this.#factory.table(joinTables(this[HANDLE], other[HANDLE], joiner, kind, options))
  }
}
