import { StreamsError } from '../../../common/errors/errors.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import { Record } from '../../../processor/record.ts'
import { addAsyncNode } from '../../async/add-async-node.ts'
import type {
  AsyncCall,
  AsyncOutput,
  AsyncProcessor,
  AsyncProcessorContext,
  AsyncProcessorFactory,
} from '../../options/async-functions.ts'
import type { AsyncWork } from '../../calls/async-work.ts'
import type { AsyncOptions } from '../../options/async-options.ts'
import type { PendingCall } from '../../calls/pending-call.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import { NEW_KEY_AND_VALUE } from '../../kit/add-node.ts'

class ProcessWork<K, V, KR, VR> implements AsyncWork<K, V, AsyncOutput<KR, VR>, KR, VR> {
  readonly #processor: AsyncProcessor<K, V, KR, VR>

  constructor(processor: AsyncProcessor<K, V, KR, VR>) {
    this.#processor = processor
  }

  init(context: ProcessorContext<KR, VR>): unknown {
    return this.#processor.init?.(narrowed(context))
  }

  call(
    { key, value, input }: PendingCall<K, V, AsyncOutput<KR, VR>>,
    about: AsyncCall,
  ): PromiseLike<AsyncOutput<KR, VR>> {
    const { timestamp, headers } = input.context
    return this.#processor.process(new Record(key, value, timestamp, headers), about)
  }

  apply(
    _input: PendingCall<K, V, AsyncOutput<KR, VR>>,
    result: AsyncOutput<KR, VR>,
    context: ProcessorContext<KR, VR>,
  ): void {
    for (const record of recordsOf(result)) context.forward(record)
  }

  close(): void {
    this.#processor.close?.()
  }
}

/**
 * Adds a processor with asynchronous calls. Keys may change, so the result counts as rekeyed and has no
 * serdes, as in `process`.
 */
export function processAsync<K, V, KR, VR>(
  stream: StreamHandle,
  factory: AsyncProcessorFactory<K, V, KR, VR>,
  options: AsyncOptions<K, V> = {},
): StreamHandle {
  const get = typeof factory === 'function' ? factory : () => factory.get()
  const work = () => new ProcessWork(get())
  const role = { changesKey: true, changesValue: true }
  return addAsyncNode(stream, { prefix: 'KSTREAM-PROCESSASYNC-', options, work, role }, NEW_KEY_AND_VALUE)
}

/**
 * The part of the context that is the same at any time: a call has no record, no store and no transaction of
 * its own.
 */
function narrowed(context: ProcessorContext): AsyncProcessorContext {
  const { applicationId, taskId, metrics, logger } = context
  return {
    applicationId,
    taskId,
    metrics,
    logger,
    currentSystemTimeMs: () => context.currentSystemTimeMs(),
  }
}

/** All records of an output, checked before the first is forwarded. */
function recordsOf<KR, VR>(result: AsyncOutput<KR, VR>): Record<KR, VR>[] {
  if (result === undefined || result === null) return []
  if (result instanceof Record) return [result]
  if (typeof result === 'object' && Symbol.iterator in result) {
    const records = [...result]
    if (records.every(record => record instanceof Record)) return records
  }
  throw new StreamsError(
    'ASYNC_RESULT',
    'an asynchronous processor resolved with something that is neither a Record, nor an iterable of them, nor nothing: make records ' +
      'with record.withValue(…) or new Record(…)',
  )
}
