import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import { Record } from '../../../processor/record.ts'
import type { PairMapper } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode, NEW_KEY_AND_VALUE } from '../../kit/add-node.ts'

/**
 * Forwards new pairs. Results take the headers as a copy, since a node below may change them while a sibling
 * still reads those of the input.
 */
class MapPairs<K, V, KR, VR> implements Processor<K, V, KR, VR> {
  readonly #mapper: PairMapper<K, V, KR, VR>
  readonly #owner: CallbackOwner
  #context!: ProcessorContext<KR, VR>

  constructor(mapper: PairMapper<K, V, KR, VR>, owner: CallbackOwner) {
    this.#mapper = mapper
    this.#owner = owner
  }

  init(context: ProcessorContext<KR, VR>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    const owner = this.#owner
    const pair = synchronous(this.#mapper(record.value, record.key), owner)
    const [key, value] = pair
    const { timestamp, headerList } = record
    this.#context.forward(
      new Record(synchronous(key, owner, pair), synchronous(value, owner, pair), timestamp, headerList),
    )
  }
}

/** Maps pairs. Key and value may both be of other types now, so neither serde is inherited. */
export function map<K, V, KR, VR>(
  stream: StreamHandle,
  mapper: PairMapper<K, V, KR, VR>,
  options: NamedOptions = {},
): StreamHandle {
  const get = (node: string) => new MapPairs(mapper, { callback: 'the mapper of map', node })
  const node = {
    prefix: 'KSTREAM-MAP-',
    name: options.name,
    get,
    role: { changesKey: true, changesValue: true },
  }
  return addStreamNode(stream, node, NEW_KEY_AND_VALUE)
}
