import type { ProcessorSupplier } from '../../../processor/processor.ts'
import type { Serde } from '../../../serde/serde.ts'
import type { StoreBuilder } from '../../../store/contract/state-store.ts'
import { stores } from '../../../store/builders/stores.ts'
import { unmatchedRecordsBuilder } from '../../../store/operator/unmatched-records-builder.ts'
import type { Joiner } from '../../options/functions.ts'
import type { StreamJoinSideRole } from '../../graph/graph-node.ts'
import type { StreamJoinedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import { synchronousJoiner } from '../../kit/synchronous.ts'
import { checkSameBuilder, processorRole } from '../../kit/add-node.ts'
import { repartitionedForJoin } from '../../joins/join-repartition.ts'
import { JoinWindow } from '../../joins/join-window.ts'
import { passThrough } from '../../kit/pass.ts'
import type { StreamJoinKind } from '../../joins/stream-join-names.ts'
import { nameJoin } from '../../joins/stream-join-names.ts'
import { StreamJoinSide } from '../../joins/stream-join-side.ts'
import { StreamSelfJoin } from '../../joins/stream-self-join.ts'

type AnyJoiner = Joiner<unknown, unknown, unknown, unknown>

/** Names of the methods, for messages. */
const METHODS = { inner: 'join', left: 'leftJoin', outer: 'outerJoin' } as const

type Options = StreamJoinedOptions<unknown, unknown, unknown>

/**
 * Joins two streams. Serdes that the options leave out are the application's, not those of the streams, as in
 * Kafka Streams; the repartition topics alone have the streams'.
 */
export function joinStreams<K, V, VO, VR>(
  left: StreamHandle,
  right: StreamHandle,
  joiner: Joiner<K, V, VO, VR>,
  kind: StreamJoinKind,
  given: StreamJoinedOptions<K, V, VO>,
): StreamHandle {
  checkSameBuilder(left, right)
  const options = given as Options
  const { name, keySerde, valueSerde, otherValueSerde } = options
  const topic = (stream: StreamHandle, suffix: string) => (name === undefined ? stream.name : name + suffix)
  const one = repartitionedForJoin(left, topic(left, '-left'), { keySerde, valueSerde })
  const other = repartitionedForJoin(right, topic(right, '-right'), { keySerde, valueSerde: otherValueSerde })
  const sources = one.graph.coPartition(one.sources, other.sources)
  return {
    ...addJoin(one, other, joiner as AnyJoiner, kind, options),
    graph: one.graph,
    keySerde,
    valueSerde: undefined,
    sources,
    repartitionRequired: false,
    joinRepartition: {},
  }
}

function addJoin(
  one: StreamHandle,
  other: StreamHandle,
  given: AnyJoiner,
  kind: StreamJoinKind,
  options: Options,
): Pick<StreamHandle, 'node' | 'name'> {
  const { graph } = one
  const { windows, valueSerde, otherValueSerde } = options
  const { beforeMs, afterMs, graceMs } = windows
  const names = nameJoin(graph, kind, options)
  const joiner = synchronousJoiner(given, { callback: `the joiner of ${METHODS[kind]}`, node: names.merge })
  const window = (stream: StreamHandle, name: string, store: string, serde: Serde<unknown> | undefined) => {
    const supplier = { get: () => new JoinWindow(store) }
    const node = graph.add(name, processorRole({ supplier }), stream.node)
    return { node, store: windowStore(store, serde, options) }
  }
  const left = window(one, names.leftWindow, names.leftStore, valueSerde)
  const right = window(other, names.rightWindow, names.rightStore, otherValueSerde)
  const common = { joiner, graceMs, unmatchedStore: names.unmatchedStore }
  const leftSide = {
    ...common,
    side: 'left',
    beforeMs,
    afterMs,
    outer: kind !== 'inner',
    otherStore: names.rightStore,
  } as const
  const rightSide = {
    ...common,
    side: 'right',
    beforeMs: afterMs,
    afterMs: beforeMs,
    outer: kind === 'outer',
    otherStore: names.leftStore,
  } as const
  const retentionMs = retentionOf(options)
  const role = {
    kind: 'stream-join',
    left: joinSide(names.left, left, { get: () => new StreamJoinSide(leftSide) }),
    right: joinSide(names.right, right, { get: () => new StreamJoinSide(rightSide) }),
    merger: passThrough,
    unmatchedStore: unmatchedStore(names.unmatchedStore, options),
    selfJoin: { get: () => new StreamSelfJoin(names.leftStore, windows, joiner, retentionMs) },
    acceptsNullKeys: kind !== 'inner',
  } as const
  return { node: graph.add(names.merge, role, one.node, other.node), name: names.merge }
}

function joinSide(
  name: string,
  { node, store }: Pick<StreamJoinSideRole, 'store'> & { readonly node: StreamJoinSideRole['window'] },
  supplier: ProcessorSupplier,
): StreamJoinSideRole {
  return { name, window: node, store, supplier }
}

/**
 * The store of one side's records. With duplicates each record has an entry of its own: no key and time
 * occurs twice, so there is nothing to compact.
 */
function windowStore(
  name: string,
  valueSerde: Serde<unknown> | undefined,
  { windows, keySerde, storeType, logging }: Options,
): StoreBuilder {
  return stores.windowStore({
    name,
    keySerde,
    valueSerde,
    retentionMs: retentionOf({ windows }),
    windowSizeMs: windows.beforeMs + windows.afterMs,
    retainDuplicates: true,
    persistent: storeType !== 'in-memory',
    logging,
  })
}

function unmatchedStore(
  name: string | undefined,
  { keySerde, valueSerde, otherValueSerde, storeType, logging }: Options,
): StoreBuilder | undefined {
  if (name === undefined) return undefined
  const persistent = storeType !== 'in-memory'
  return unmatchedRecordsBuilder({
    name,
    keySerde,
    leftSerde: valueSerde,
    rightSerde: otherValueSerde,
    persistent,
    logging,
  })
}

function retentionOf({ windows }: Pick<Options, 'windows'>): number {
  return windows.beforeMs + windows.afterMs + windows.graceMs
}
