import type { Joiner, Mapper } from '../functions.ts'
import type { JoinedOptions, NamedOptions, SerdeOptions } from '../options.ts'
import type { GlobalTablePart, StreamPart, TablePart } from '../part.ts'
import { addStreamNode, checkSameBuilder, NEW_VALUE, processorRole } from './add-node.ts'
import { checkName } from '../graph/node-name.ts'
import { Lookup } from './lookup.ts'
import { repartitionedForJoin } from './join-repartition.ts'

/** `left`: a stream record without match is joined with null instead of left out. */
export function joinTable<K, V, VT, VR>(
  stream: StreamPart,
  table: TablePart,
  joiner: Joiner<K, V, VT | null, VR>,
  left: boolean,
  options: JoinedOptions<K, V> = {},
): StreamPart {
  checkSameBuilder(stream, table)
  const topicPrefix = options.name === undefined ? stream.name : checkName(options.name)
  const given = repartitionedForJoin(stream, topicPrefix, options as SerdeOptions<unknown, unknown>)
  const sources = stream.graph.coPartition(given.sources, table.sources)
  const name = stream.graph.name(options.name, left ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-')
  const values = table.operator.values()
  const get = () => new Lookup<K, V, K, VT, VR>(values.reader(), keyOf, joiner, left)
  const role = processorRole({
    supplier: { get },
    stores: values.storeNames,
    acceptsNullKeys: left,
  })
  const node = stream.graph.add(name, role, given.node)
  const keySerde = options.keySerde ?? given.keySerde
  return { ...given, name, node, keySerde, valueSerde: undefined, sources, joinRepartition: {} }
}

/** The stream need not be co-partitioned, and keeps its place. The generated name says LEFTJOIN for both kinds, as upstream. */
export function joinGlobalTable<K, V, KG, VG, VR>(
  stream: StreamPart,
  table: GlobalTablePart,
  selector: Mapper<K, V, KG | null>,
  joiner: Joiner<K, V, VG | null, VR>,
  left: boolean,
  options: NamedOptions = {},
): StreamPart {
  const get = () => new Lookup(table.values.reader(), selector, joiner, left)
  const role = { acceptsNullKeys: left }
  return addStreamNode(stream, { prefix: 'KSTREAM-LEFTJOIN-', name: options.name, get, role }, NEW_VALUE)
}

function keyOf<K>(_value: unknown, key: K): K {
  return key
}
