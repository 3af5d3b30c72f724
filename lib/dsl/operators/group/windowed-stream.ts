import { TopologyError } from '../../../common/errors/errors.ts'
import { serdes } from '../../../serde/serdes.ts'
import type { Aggregator, Initializer, Reducer, SessionMerger } from '../../options/functions.ts'
import type { TableStore } from '../../kit/materialized.ts'
import { saysMaterialized, tableStore } from '../../kit/materialized.ts'
import type { WindowedTableOptions } from '../../options/options.ts'
import type { TableHandle, WindowedHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { windowedStore } from '../../kit/windowed-materialized.ts'
import type { AnyWindows } from '../../windows/any-windows.ts'
import type { EmitStrategy } from '../../windows/emit-strategy.ts'
import { addAggregation } from './grouped-stream.ts'
import { sessionAggregate } from '../../windowed/session-aggregate.ts'
import { slidingAggregate } from '../../windowed/sliding-aggregate.ts'
import { windowAggregate } from '../../windowed/window-aggregate.ts'
import type { WindowedTable } from '../../windowed/windowed-table.ts'

const AGGREGATE = 'KSTREAM-AGGREGATE-'
const REDUCE = 'KSTREAM-REDUCE-'

/** Functions of a windowed aggregation: the same for all kinds of windows. */
export interface WindowFunctions<K, V, A> {
  readonly initializer: Initializer<A>
  readonly aggregator: Aggregator<K, V, A>
  /** Merges sessions; undefined for other windows. */
  readonly merger: SessionMerger<K, A> | undefined
}

/** The functions with their results checked: they are called in many places. */
export function synchronousFunctions<K, V, A>(
  { initializer, aggregator, merger }: WindowFunctions<K, V, A>,
  owner: CallbackOwner,
): WindowFunctions<K, V, A> {
  return {
    initializer: () => synchronous(initializer(), owner),
    aggregator: (aggregate, value, key) => synchronous(aggregator(aggregate, value, key), owner),
    merger: merger && ((left, right, key) => synchronous(merger(left, right, key), owner)),
  }
}

/** The stream with another emit strategy. Throws where the windows never close. */
export function withEmitStrategy(part: WindowedHandle, emit: EmitStrategy): WindowedHandle {
  if (emit === 'on-window-close' && part.windows.type === 'unlimited') {
    throw new TopologyError(
      'WINDOW_NEVER_CLOSES',
      "emitStrategy('on-window-close') cannot be used for unlimited windows, which never close: use timeWindows.",
    )
  }
  return { ...part, emit }
}

export function countWindows<K>(
  part: WindowedHandle,
  options: WindowedTableOptions<K, number> = {},
): TableHandle {
  const { graph, keySerde } = part.group.stream
  // Options of a store without a name draw an unused number, as in `count` without windows; sliding windows
  // do not, as in Kafka Streams.
  if (part.windows.type !== 'sliding' && saysMaterialized(options) && options.storeName === undefined) {
    graph.newStoreName(AGGREGATE)
  }
  const store = tableStore(graph, options, AGGREGATE, { keySerde, valueSerde: serdes.int64() })
  return addWindowed(part, store, AGGREGATE, options, () => COUNT)
}

const COUNT: WindowFunctions<unknown, unknown, number> = {
  initializer: () => 0,
  aggregator: count => count + 1,
  merger: (left, right) => left + right,
}

/** Reduces windows. The first value of a window is its aggregate, as it is. */
export function reduceWindows<K, V>(
  part: WindowedHandle,
  reducer: Reducer<V, V | null>,
  options: WindowedTableOptions<K, V> = {},
): TableHandle {
  const store = tableStore(part.group.stream.graph, options, REDUCE, part.group.stream)
  const aggregator = (aggregate: V | null, value: V) =>
    aggregate === null ? value : reducer(aggregate, value)
  const functions: WindowFunctions<K, V, V | null> = {
    initializer: () => null,
    aggregator,
    merger: (left, right) => aggregator(left, right as V),
  }
  return addWindowed(part, store, REDUCE, options, node =>
    synchronousFunctions(functions, { callback: 'the reducer of reduce', node }),
  )
}

export function aggregateWindows<K, V, A>(
  part: WindowedHandle,
  functions: WindowFunctions<K, V, A>,
  options: WindowedTableOptions<K, NonNullable<A>> = {},
): TableHandle {
  const { graph, keySerde } = part.group.stream
  const store = tableStore(graph, options, AGGREGATE, { keySerde, valueSerde: undefined })
  return addWindowed(part, store, AGGREGATE, options, node =>
    synchronousFunctions(functions, { callback: 'a callback of aggregate', node }),
  )
}

function addWindowed<K, V, A>(
  { group, windows, emit }: WindowedHandle,
  store: TableStore,
  prefix: string,
  options: Pick<WindowedTableOptions<unknown, unknown>, 'retentionMs' | 'name'>,
  functionsOf: (node: string) => WindowFunctions<K, V, A>,
): TableHandle {
  const name = group.stream.graph.name(options.name, prefix)
  const { builder, keySerde } = windowedStore(store, windows, emit, options)
  const operator = windowedOperator(windows, functionsOf(name), {
    storeName: store.name,
    id: store.name,
    emit,
  })
  return addAggregation(group, { ...store, keySerde }, name, operator, () => builder)
}

export function windowedOperator<K, V, A>(
  windows: AnyWindows,
  functions: WindowFunctions<K, V, A>,
  place: { readonly storeName: string; readonly id: string; readonly emit: EmitStrategy },
): WindowedTable {
  const table = aggregateIn(windows, functions, place)
  table.closeDelayMs = closeDelayOf(windows)
  return table
}

/** Time after its end at which a window closes. A session may grow as long as its gap has not passed. */
function closeDelayOf(windows: AnyWindows): number {
  if (windows.type === 'unlimited') return 0
  return windows.type === 'session' ? windows.inactivityGapMs + windows.graceMs : windows.graceMs
}

function aggregateIn<K, V, A>(
  windows: AnyWindows,
  functions: WindowFunctions<K, V, A>,
  place: { readonly storeName: string; readonly id: string; readonly emit: EmitStrategy },
): WindowedTable {
  const aggregation = { ...functions, ...place }
  if (windows.type === 'sliding') return slidingAggregate(windows, aggregation)
  if (windows.type !== 'session') return windowAggregate(windows, aggregation)
  const { merger } = functions
  if (!merger)
    throw new TypeError('aggregate of sessions needs a merger: what two sessions become when they meet')
  return sessionAggregate(windows, { ...aggregation, merger })
}
