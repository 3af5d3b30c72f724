import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { Mapper } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode, NEW_VALUE } from '../../kit/add-node.ts'

class MapValues<K, V, VR> implements Processor<K, V, K, VR> {
  readonly #mapper: Mapper<K, V, VR>
  readonly #owner: CallbackOwner
  #context!: ProcessorContext<K, VR>

  constructor(mapper: Mapper<K, V, VR>, owner: CallbackOwner) {
    this.#mapper = mapper
    this.#owner = owner
  }

  init(context: ProcessorContext<K, VR>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    this.#context.forward(record.withValue(synchronous(this.#mapper(record.value, record.key), this.#owner)))
  }
}

/**
 * Maps values. Keys stay where they are, so no operator below needs a repartitioning on account of this one.
 */
export function mapValues<K, V, VR>(
  stream: StreamHandle,
  mapper: Mapper<K, V, VR>,
  options: NamedOptions = {},
): StreamHandle {
  const get = (node: string) => new MapValues(mapper, { callback: 'the mapper of mapValues', node })
  const node = { prefix: 'KSTREAM-MAPVALUES-', name: options.name, get, role: { changesValue: true } }
  return addStreamNode(stream, node, NEW_VALUE)
}
