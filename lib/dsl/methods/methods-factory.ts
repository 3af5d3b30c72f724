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
import type { SplitHandle } from '../operators/stream/split.ts'
import type {
  CogroupedHandle,
  GroupedHandle,
  GroupedTableHandle,
  StreamHandle,
  TableHandle,
  WindowedHandle,
} from '../kit/handles.ts'

/**
 * Makes the objects that users see from parts of the graph. The classes behind them lead to each other in a
 * ring (a stream makes groups, groups make tables, tables make streams); they get this from the builder
 * instead of importing each other.
 */
export interface MethodsFactory {
  stream<K, V>(handle: StreamHandle): KStream<K, V>
  table<K, V, D extends null = null>(handle: TableHandle): KTable<K, V, D>
  branches<K, V>(split: SplitHandle): BranchedKStream<K, V>
  groupedStream<K, V, N extends null = never>(handle: GroupedHandle): KGroupedStream<K, V, N>
  windowedStream<K, V>(handle: WindowedHandle): TimeWindowedKStream<K, V>
  sessionStream<K, V>(handle: WindowedHandle): SessionWindowedKStream<K, V>
  cogroupedStream<K, A>(handle: CogroupedHandle): CogroupedKStream<K, A>
  groupedTable<K, V>(handle: GroupedTableHandle): KGroupedTable<K, V>
}
