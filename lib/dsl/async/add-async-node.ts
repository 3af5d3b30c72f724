import type { StoreBuilder } from '../../store/contract/state-store.ts'
import { pendingStoreBuilder } from '../../store/operator/pending-store.ts'
import { checkName } from '../graph/node-name.ts'
import type { ProcessorRole } from '../graph/graph-node.ts'
import { processorRole } from '../kit/add-node.ts'
import type { StreamHandle } from '../kit/handles.ts'
import { asyncLimits, type AsyncOptions } from '../options/async-options.ts'
import { AsyncOperator, type AsyncWork } from './async-operator.ts'

/**
 * A node for an asynchronous operator with its pending store; the numbers of both come from the counter, the
 * node's first.
 */
export function addAsyncNode<K, V, R, KR, VR>(
  stream: StreamHandle,
  node: {
    readonly prefix: string
    readonly options: AsyncOptions<K, V>
    readonly work: () => AsyncWork<K, V, R, KR, VR>
    readonly role: Partial<ProcessorRole>
  },
  changes: Partial<StreamHandle>,
): StreamHandle {
  const { prefix, options, work, role } = node
  const limits = asyncLimits(options)
  const name = stream.graph.name(options.name, prefix)
  const { storeName, logging } = options.pendingStore ?? {}
  const settings = {
    nodeName: name,
    storeName: storeName === undefined ? stream.graph.newStoreName(prefix) : checkName(storeName),
    keySerde: options.keySerde ?? stream.keySerde,
    valueSerde: options.valueSerde ?? stream.valueSerde,
    limits,
  }
  const ownStore = (): StoreBuilder => pendingStoreBuilder({ name: settings.storeName, logging })
  const supplier = { get: () => new AsyncOperator(settings, work()) }
  const added = stream.graph.add(name, processorRole({ supplier, ownStore, ...role }), stream.node)
  return { ...stream, name, node: added, joinRepartition: {}, ...changes }
}
