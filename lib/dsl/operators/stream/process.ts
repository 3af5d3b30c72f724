import { isPromise } from '../../../common/promises.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor, ProcessorSupplier } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { ProcessorFactory } from '../../../topology/topology-options.ts'
import { checkSupplier } from '../../../topology/check-supplier.ts'
import { supplierFrom } from '../../../topology/topology-options.ts'
import { checkName } from '../../graph/node-name.ts'
import type { ProcessOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import { KeyCheckingContext } from '../../kit/key-checking-context.ts'
import { NEW_KEY_AND_VALUE, NEW_VALUE, processorRole } from '../../kit/add-node.ts'

/**
 * Adds a user's processor. It may change keys and values, so the result counts as rekeyed and has no serdes.
 */
export function process<K, V, KR, VR>(
  stream: StreamHandle,
  factory: ProcessorFactory<K, V, KR, VR>,
  options: ProcessOptions = {},
): StreamHandle {
  const part = addProcess(stream, 'KSTREAM-PROCESSOR-', supplierFrom(factory), options, true)
  return { ...part, ...NEW_KEY_AND_VALUE }
}

export function processValues<K, V, VR>(
  stream: StreamHandle,
  factory: ProcessorFactory<K, V, K, VR>,
  options: ProcessOptions = {},
): StreamHandle {
  const part = addProcess(stream, 'KSTREAM-PROCESSVALUES-', supplierFrom(factory), options, false)
  return { ...part, ...NEW_VALUE }
}

/** Adds the node. Unlike elsewhere, a given name uses no number up. */
function addProcess(
  stream: StreamHandle,
  prefix: string,
  supplier: ProcessorSupplier,
  options: ProcessOptions,
  changesKey: boolean,
): StreamHandle {
  const name = options.name === undefined ? stream.graph.newName(prefix) : checkName(options.name)
  checkSupplier(name, supplier)
  const role = processorRole({
    supplier: changesKey ? supplier : keepingKeys(supplier),
    stores: options.stores ?? [],
    changesKey,
    changesValue: true,
    ofProcess: true,
  })
  return { ...stream, name, node: stream.graph.add(name, role, stream.node), joinRepartition: {} }
}

function keepingKeys(supplier: ProcessorSupplier): ProcessorSupplier {
  const get = () => {
    const inner = supplier.get()
    // A promise is refused where the processor is used.
    return isPromise(inner) ? inner : new KeepingKeys(inner)
  }
  return supplier.stores ? { get, stores: supplier.stores } : { get }
}

/** Runs a processor whose forwarded records must have the key of the record being processed. */
class KeepingKeys implements Processor {
  readonly #inner: Processor
  #context: KeyCheckingContext | undefined

  constructor(inner: Processor) {
    this.#inner = inner
  }

  init(context: ProcessorContext): void {
    this.#context = new KeyCheckingContext(context)
    return this.#inner.init?.(this.#context)
  }

  process(record: Record<unknown, unknown>): void {
    this.#context?.enter(record)
    // The copy keeps headers that the processor adds to its input from siblings; only headers of results go
    // on.
    const result = this.#inner.process(record.withHeaders(record.headers))
    this.#context?.leave()
    // The result is undefined, or a promise, which the node refuses.
    return result
  }

  close(): void {
    return this.#inner.close?.()
  }
}
