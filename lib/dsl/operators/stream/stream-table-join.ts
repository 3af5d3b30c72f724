import { TopologyError } from '../../../common/errors/errors.ts'
import type { Serde } from '../../../serde/serde.ts'
import type { RecordBufferSettings } from '../../../store/operator/record-buffer.ts'
import { recordBufferBuilder } from '../../../store/operator/record-buffer.ts'
import type { Joiner, Mapper } from '../../options/functions.ts'
import type { JoinedOptions, NamedOptions, SerdeOptions } from '../../options/options.ts'
import type { GlobalTableHandle, StreamHandle, TableHandle } from '../../kit/handles.ts'
import { synchronous, synchronousJoiner } from '../../kit/synchronous.ts'
import { addStreamNode, checkSameBuilder, NEW_VALUE, processorRole } from '../../kit/add-node.ts'
import { checkName } from '../../graph/node-name.ts'
import { isVersioned } from '../../kit/table-operator.ts'
import type { GraceSettings } from '../../joins/lookup-with-grace.ts'
import { LookupWithGrace } from '../../joins/lookup-with-grace.ts'
import { Lookup } from '../../joins/lookup.ts'
import { repartitionedForJoin } from '../../joins/join-repartition.ts'

/** Joins a stream with a table. `left`: a record without match is joined with null instead of left out. */
export function joinTable<K, V, VT, VR>(
  stream: StreamHandle,
  table: TableHandle,
  given: Joiner<K, V, VT | null, VR>,
  left: boolean,
  options: JoinedOptions<K, V> = {},
): StreamHandle {
  checkSameBuilder(stream, table)
  const topicPrefix = options.name === undefined ? stream.name : checkName(options.name)
  const input = repartitionedForJoin(stream, topicPrefix, options as SerdeOptions<unknown, unknown>)
  const sources = stream.graph.coPartition(input.sources, table.sources)
  const name = stream.graph.name(options.name, left ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-')
  const joiner = synchronousJoiner(given, { callback: `the joiner of ${method(left)}`, node: name })
  const values = table.operator.values()
  const keySerde = options.keySerde ?? input.keySerde
  const grace = options.graceMs === undefined ? undefined : graceOf(name, table, options.graceMs)
  if (grace) {
    const valueSerde = options.valueSerde ?? input.valueSerde
    addBuffer(input, {
      name: grace.bufferName,
      keySerde,
      valueSerde: valueSerde as Serde<unknown> | undefined,
    })
  }
  const get = () =>
    grace
      ? new LookupWithGrace<K, V, VT, VR>(values.reader(), joiner, left, grace)
      : new Lookup<K, V, K, VT, VR>(values.reader(), keyOf, joiner, left)
  const role = processorRole({
    supplier: { get },
    stores: grace ? [...values.storeNames, grace.bufferName] : values.storeNames,
    acceptsNullKeys: left,
  })
  const node = stream.graph.add(name, role, input.node)
  return { ...input, name, node, keySerde, valueSerde: undefined, sources, joinRepartition: {} }
}

/**
 * Joins a stream with a global table. The stream need not be co-partitioned, and keeps its place. The
 * generated name says LEFTJOIN for both kinds, as in Kafka Streams.
 */
export function joinGlobalTable<K, V, KG, VG, VR>(
  stream: StreamHandle,
  table: GlobalTableHandle,
  selector: Mapper<K, V, KG | null>,
  joiner: Joiner<K, V, VG | null, VR>,
  left: boolean,
  options: NamedOptions = {},
): StreamHandle {
  const get = (node: string) => {
    const owner = { callback: `the selector of ${method(left)}`, node }
    const joined = synchronousJoiner(joiner, { callback: `the joiner of ${method(left)}`, node })
    const select = (value: V, key: K) => synchronous(selector(value, key), owner)
    return new Lookup(table.values.reader(), select, joined, left)
  }
  const role = { acceptsNullKeys: left }
  return addStreamNode(stream, { prefix: 'KSTREAM-LEFTJOIN-', name: options.name, get, role }, NEW_VALUE)
}

/** The grace of a join. Waiting records can be joined only where old rows are still known after the wait. */
function graceOf(name: string, table: TableHandle, graceMs: number): GraceSettings {
  if (!Number.isSafeInteger(graceMs) || graceMs < 0) {
    throw new TypeError(`join "${name}": graceMs is ${graceMs}: it must be a whole number of milliseconds`)
  }
  const { historyRetentionMs } = table.operator.values()
  if (historyRetentionMs === undefined || !isVersioned(table.operator)) {
    throw new TopologyError(
      'GRACE_WITHOUT_VERSIONS',
      `join "${name}" has a graceMs, but its table keeps no versions: give the table a historyRetentionMs, or leave graceMs out.`,
    )
  }
  if (graceMs > historyRetentionMs) {
    throw new TopologyError(
      'GRACE_ABOVE_HISTORY',
      `join "${name}" waits ${graceMs} ms, but its table keeps ${historyRetentionMs} ms of history: make historyRetentionMs at least as long as graceMs.`,
    )
  }
  return { graceMs, bufferName: checkName(`${name}-Buffer`) }
}

function addBuffer({ graph }: StreamHandle, settings: RecordBufferSettings): void {
  graph.add(settings.name, { kind: 'store', builder: recordBufferBuilder(settings) }, graph.root)
}

/** Name of the method, for messages. */
function method(left: boolean): string {
  return left ? 'leftJoin' : 'join'
}

function keyOf<K>(_value: unknown, key: K): K {
  return key
}
