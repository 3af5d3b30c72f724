import { StreamsError } from '../../../common/errors/errors.ts'
import { isPromise, refusedPromise } from '../../../common/promises.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import { Record } from '../../../processor/record.ts'
import { addAsyncNode } from '../../async/add-async-node.ts'
import type { AsyncCall, AsyncMapper } from '../../options/async-functions.ts'
import type { AsyncWork } from '../../calls/async-work.ts'
import type { AsyncOptions } from '../../options/async-options.ts'
import type { PendingCall } from '../../calls/pending-call.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import { NEW_VALUE } from '../../kit/add-node.ts'

class FlatMapValuesWork<K, V, VR> implements AsyncWork<K, V, Iterable<VR>, K, VR> {
  readonly #mapper: AsyncMapper<K, V, Iterable<VR>>

  constructor(mapper: AsyncMapper<K, V, Iterable<VR>>) {
    this.#mapper = mapper
  }

  call(input: PendingCall<K, V, Iterable<VR>>, about: AsyncCall): PromiseLike<Iterable<VR>> {
    return this.#mapper(input.value, input.key, about)
  }

  apply(
    { key, input }: PendingCall<K, V, Iterable<VR>>,
    result: Iterable<VR>,
    context: ProcessorContext<K, VR>,
  ): void {
    const { timestamp, headers } = input.context
    for (const value of valuesOf(result)) {
      context.forward(new Record(key, value, timestamp, headers))
    }
  }
}

/** Maps values; keys stay where they are, as in `flatMapValues`. */
export function flatMapValuesAsync<K, V, VR>(
  stream: StreamHandle,
  mapper: AsyncMapper<K, V, Iterable<VR>>,
  options: AsyncOptions<K, V> = {},
): StreamHandle {
  const work = () => new FlatMapValuesWork(mapper)
  const role = { changesValue: true }
  return addAsyncNode(stream, { prefix: 'KSTREAM-FLATMAPVALUESASYNC-', options, work, role }, NEW_VALUE)
}

/**
 * All values, before the first is forwarded: an iteration that fails has no outputs. A string is one value
 * that somebody forgot to wrap.
 */
function valuesOf<VR>(result: Iterable<VR>): VR[] {
  if (typeof result !== 'object' || result === null || !(Symbol.iterator in result)) throw notIterable(result)
  const values = [...result]
  if (!values.some(isPromise)) return values
  throw refusedPromise(values, {
    who: 'the callback of flatMapValuesAsync resolved with an iterable that holds',
    advice: 'await its elements in the callback, Promise.all(…) does it',
  })
}

function notIterable(result: unknown): StreamsError {
  return new StreamsError(
    'ASYNC_RESULT',
    `flatMapValuesAsync got ${result === null ? 'null' : `a ${typeof result}`} from its callback: resolve with an array or another iterable of values, [] for none`,
  )
}
