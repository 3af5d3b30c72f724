import type {
  BranchedKStream,
  CogroupedKStream,
  KGroupedStream,
  KGroupedTable,
  KStream,
  KTable,
  SessionWindowedKStream,
  TimeWindowedKStream,
} from '../api/kstream.ts'
import type { SplitPart } from '../operators/stream/split.ts'
import type {
  CogroupedPart,
  GroupedPart,
  GroupedTablePart,
  StreamPart,
  TablePart,
  WindowedPart,
} from '../kit/handles.ts'

/**
 * Makes the objects that users see from parts of the graph. The classes behind them lead to each other in a ring (a stream makes groups, groups make tables,
 * tables make streams); they get this from the builder instead of importing each other.
 */
export interface Surface {
  stream<K, V>(part: StreamPart): KStream<K, V>
  table<K, V, D extends null = null>(part: TablePart): KTable<K, V, D>
  branches<K, V>(split: SplitPart): BranchedKStream<K, V>
  groupedStream<K, V, N extends null = never>(part: GroupedPart): KGroupedStream<K, V, N>
  windowedStream<K, V>(part: WindowedPart): TimeWindowedKStream<K, V>
  sessionStream<K, V>(part: WindowedPart): SessionWindowedKStream<K, V>
  cogroupedStream<K, A>(part: CogroupedPart): CogroupedKStream<K, A>
  groupedTable<K, V>(part: GroupedTablePart): KGroupedTable<K, V>
}
