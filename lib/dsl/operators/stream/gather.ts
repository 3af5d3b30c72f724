import type { Serde } from '../../../serde/serde.ts'
import { serdes } from '../../../serde/serdes.ts'
import { GatherOperator } from '../../gather/gather-operator.ts'
import { gatherSettings } from '../../gather/gather-settings.ts'
import { checkName } from '../../graph/node-name.ts'
import { addStreamNode } from '../../kit/add-node.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import { addRepartition, behindRepartition, planRepartition } from '../../kit/plan-repartition.ts'
import type { GatherByOptions, GatherOptions } from '../../options/gather-options.ts'
import { selectKey } from './select-key.ts'

const PREFIX = 'KSTREAM-GATHER-'

/** Gathers by what `batch` returns, or by the key. What was rekeyed is repartitioned first. */
export function gather<K, V, B>(
  stream: StreamHandle,
  options: GatherOptions<B, V> & Partial<Pick<GatherByOptions<K, V, B>, 'batch'>>,
): StreamHandle {
  const { batch } = options
  const { graph } = stream
  const storeName =
    options.storeName === undefined ? graph.newStoreName(PREFIX) : checkName(options.storeName)
  const rekeyed = batch ? selectKey(stream, batch, {}, 'batch of gather') : stream
  const keySerde = (options.keySerde ?? rekeyed.keySerde) as Serde<unknown> | undefined
  const settings = gatherSettings(options, storeName, keySerde as Serde<B> | undefined)
  const parent = rekeyed.repartitionRequired
    ? repartitioned(rekeyed, { topicPrefix: storeName, keySerde, valueSerde: valueSerdeOf(stream, options) })
    : rekeyed
  const node = {
    ...{ prefix: PREFIX, name: options.name },
    get: (name: string) => new GatherOperator(settings, name),
    role: { changesValue: true },
    stores: Object.values(settings.stores),
  }
  return addStreamNode(parent, node, { keySerde, valueSerde: serdes.json() })
}

function valueSerdeOf<B, V>(stream: StreamHandle, options: GatherOptions<B, V>): Serde<unknown> | undefined {
  return (options.valueSerde as Serde<unknown> | undefined) ?? stream.valueSerde
}

function repartitioned(
  stream: StreamHandle,
  settings: {
    readonly topicPrefix: string
    readonly keySerde: Serde<unknown> | undefined
    readonly valueSerde: Serde<unknown> | undefined
  },
): StreamHandle {
  const planned = planRepartition(stream.graph, settings)
  return behindRepartition(stream, addRepartition(stream, planned), planned.sourceName, settings)
}
