import type { KGroupedTable, KStream, KTable } from './dsl.ts'
import type { Mapper, PairMapper, Predicate } from './functions.ts'
import { groupTable } from './operators/group-table.ts'
import { filterTable, mapTableValues } from './operators/table-values.ts'
import { toStream } from './operators/to-stream.ts'
import type { GroupedOptions, NamedOptions, TableOptions } from './options.ts'
import type { TablePart } from './part.ts'
import { PART } from './part.ts'
import type { Surface } from './surface.ts'

/** A table's methods, each of which is an operator. */
export class GraphTable<K, V, D extends null = null> implements KTable<K, V, D> {
  readonly [PART]: TablePart
  readonly #surface: Surface

  constructor(part: TablePart, surface: Surface) {
    this[PART] = part
    this.#surface = surface
  }

  get queryableStoreName(): string | undefined {
    return this[PART].queryableStoreName
  }

  filter<R extends V>(predicate: Predicate<K, V>, options?: TableOptions<K, R>): KTable<K, R> {
    return this.#surface.table(filterTable(this[PART], predicate, true, options))
  }

  filterNot(predicate: Predicate<K, V>, options?: TableOptions<K, V>): KTable<K, V> {
    return this.#surface.table(filterTable(this[PART], predicate, false, options))
  }

  mapValues<VR>(
    mapper: Mapper<K, V, VR>,
    options?: TableOptions<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>, D | Extract<VR, null>> {
    return this.#surface.table(mapTableValues(this[PART], mapper, options))
  }

  toStream(options?: NamedOptions): KStream<K, V | D> {
    return this.#surface.stream(toStream(this[PART], options))
  }

  groupBy<KR, VR>(
    selector: PairMapper<K, V, KR, VR>,
    options?: GroupedOptions<NonNullable<KR>, NonNullable<VR>>,
  ): KGroupedTable<NonNullable<KR>, NonNullable<VR>> {
    return this.#surface.groupedTable(groupTable(this[PART], selector, options))
  }
}
