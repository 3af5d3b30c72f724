import type { ProcessorContext } from '../../../processor/processor-context.ts'
import { Record } from '../../../processor/record.ts'
import { addAsyncNode } from '../../async/add-async-node.ts'
import type { AsyncCall, AsyncMapper } from '../../options/async-functions.ts'
import type { AsyncWork } from '../../calls/async-work.ts'
import type { AsyncOptions } from '../../options/async-options.ts'
import type { PendingCall } from '../../calls/pending-call.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import { NEW_VALUE } from '../../kit/add-node.ts'

class MapValuesWork<K, V, VR> implements AsyncWork<K, V, VR, K, VR> {
  readonly #mapper: AsyncMapper<K, V, VR>

  constructor(mapper: AsyncMapper<K, V, VR>) {
    this.#mapper = mapper
  }

  call({ value, key }: PendingCall<K, V, VR>, about: AsyncCall): PromiseLike<VR> {
    return this.#mapper(value, key, about)
  }

  apply({ key, input }: PendingCall<K, V, VR>, result: VR, context: ProcessorContext<K, VR>): void {
    const { timestamp, headers } = input.context
    context.forward(new Record(key, result, timestamp, headers))
  }
}

/** Maps values; keys stay where they are, as in `mapValues`. */
export function mapValuesAsync<K, V, VR>(
  stream: StreamHandle,
  mapper: AsyncMapper<K, V, VR>,
  options: AsyncOptions<K, V> = {},
): StreamHandle {
  const work = () => new MapValuesWork(mapper)
  const role = { changesValue: true }
  return addAsyncNode(stream, { prefix: 'KSTREAM-MAPVALUESASYNC-', options, work, role }, NEW_VALUE)
}
