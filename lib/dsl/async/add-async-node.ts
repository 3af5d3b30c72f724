import type { StoreBuilder } from '../../store/contract/state-store.ts'
import { pendingStoreBuilder } from '../../store/operator/pending-store.ts'
import { checkName } from '../graph/node-name.ts'
import type { ProcessorRole } from '../graph/graph-node.ts'
import { processorRole } from '../kit/add-node.ts'
import type { StreamHandle } from '../kit/handles.ts'
import { asyncLimits, type AsyncOptions } from '../options/async-options.ts'
import { retryPolicy, type RetryOptions } from '../options/retry-options.ts'
import type { AsyncWork } from '../calls/async-work.ts'
import { AsyncOperator } from './async-operator.ts'
import { replaySource } from '../retry/replay-source.ts'
import { letterTopic } from '../retry/retry-letters.ts'
import { RetryOperator } from '../retry/retry-operator.ts'

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
  const policy = options.retry && retryPolicy(checkedRetry(options), options.pendingStore?.logging)
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
  const supplier = {
    get: () =>
      policy ? new RetryOperator({ ...settings, policy }, work()) : new AsyncOperator(settings, work()),
  }
  // Neither store nor number is another with `retry`: a running application may get it.
  const ofRetry = policy && {
    ownTopics: [{ name: letterTopic(name), config: policy.letterConfig }],
    ownSource: replaySource(name),
    control: { keySerde: settings.keySerde, storeName: settings.storeName },
  }
  const added = stream.graph.add(
    name,
    processorRole({ supplier, ownStore, ...ofRetry, ...role }),
    stream.node,
  )
  return { ...stream, name, node: added, joinRepartition: {}, ...changes }
}

/** What of the other options must be given, or must not, where there is `retry`. */
function checkedRetry({
  retry,
  name,
  order,
}: Pick<AsyncOptions<never, never>, 'retry' | 'name' | 'order'>): RetryOptions {
  if (name === undefined) {
    throw new TypeError(
      'an operator with retry needs a name: its dead letters are in <applicationId>-<name>-dlq, and a generated name changes with the topology',
    )
  }
  if (order !== undefined) {
    throw new TypeError(`order is ${order}, and there is retry: give the order as retry.order`)
  }
  return retry as RetryOptions
}
