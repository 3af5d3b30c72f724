import type { BranchedKStream, KGroupedStream, KGroupedTable, KStream, KTable } from './dsl.ts'
import type { SplitPart } from './operators/split.ts'
import type { GroupedPart, GroupedTablePart, StreamPart, TablePart } from './part.ts'

/**
 * Makes the objects that users see from parts of the graph. The classes behind them lead to each other in a ring (a stream makes groups, groups make tables,
 * tables make streams); they get this from the builder instead of importing each other.
 */
export interface Surface {
  stream<K, V>(part: StreamPart): KStream<K, V>
  table<K, V, D extends null = null>(part: TablePart): KTable<K, V, D>
  branches<K, V>(split: SplitPart): BranchedKStream<K, V>
  groupedStream<K, V>(part: GroupedPart): KGroupedStream<K, V>
  groupedTable<K, V>(part: GroupedTablePart): KGroupedTable<K, V>
}
