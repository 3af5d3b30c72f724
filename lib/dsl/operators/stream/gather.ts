import type { Serde } from '../../../serde/serde.ts'
import { serdes } from '../../../serde/serdes.ts'
import { GatherOperator } from '../../gather/gather-operator.ts'
import { gatherSettings } from '../../gather/gather-settings.ts'
import { repartitioned } from '../../gather/repartitioned.ts'
import { checkName } from '../../graph/node-name.ts'
import { addStreamNode } from '../../kit/add-node.ts'
import type { StreamHandle } from '../../kit/handles.ts'
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
  const parent = repartitioned(rekeyed, storeName, options)
  const { keySerde } = parent
  const settings = gatherSettings(options, storeName, keySerde as Serde<B> | undefined)
  const node = {
    ...{ prefix: PREFIX, name: options.name },
    get: (name: string) => new GatherOperator(settings, name),
    role: { changesValue: true },
    stores: Object.values(settings.stores),
  }
  return addStreamNode(parent, node, { keySerde, valueSerde: serdes.json() })
}
