import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { Mapper } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode, NEW_VALUE } from '../../kit/add-node.ts'

/** Forwards the values of FlatMap under the record's key. */
class FlatMapValues<K, V, VR> implements Processor<K, V, K, VR> {
  readonly #mapper: Mapper<K, V, Iterable<VR>>
  readonly #owner: CallbackOwner
  #context!: ProcessorContext<K, VR>

  constructor(mapper: Mapper<K, V, Iterable<VR>>, owner: CallbackOwner) {
    this.#mapper = mapper
    this.#owner = owner
  }

  init(context: ProcessorContext<K, VR>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    const owner = this.#owner
    const values = synchronous(this.#mapper(record.value, record.key), owner)
    for (const value of values) {
      this.#context.forward(record.withValue(synchronous(value, owner, values)))
    }
  }
}

export function flatMapValues<K, V, VR>(
  stream: StreamHandle,
  mapper: Mapper<K, V, Iterable<VR>>,
  options: NamedOptions = {},
): StreamHandle {
  const get = (node: string) => new FlatMapValues(mapper, { callback: 'the mapper of flatMapValues', node })
  const node = { prefix: 'KSTREAM-FLATMAPVALUES-', name: options.name, get, role: { changesValue: true } }
  return addStreamNode(stream, node, NEW_VALUE)
}
