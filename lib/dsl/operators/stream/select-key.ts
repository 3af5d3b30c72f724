import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { Mapper } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode, NEW_KEY } from '../../kit/add-node.ts'

class SelectKey<K, V, KR> implements Processor<K, V, KR, V> {
  readonly #mapper: Mapper<K, V, KR>
  readonly #owner: CallbackOwner
  #context!: ProcessorContext<KR, V>

  constructor(mapper: Mapper<K, V, KR>, owner: CallbackOwner) {
    this.#mapper = mapper
    this.#owner = owner
  }

  init(context: ProcessorContext<KR, V>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    this.#context.forward(record.withKey(synchronous(this.#mapper(record.value, record.key), this.#owner)))
  }
}

/**
 * Changes keys. The stream counts as rekeyed even where new keys equal the old: whether they do is only known
 * record by record.
 */
export function selectKey<K, V, KR>(
  stream: StreamHandle,
  mapper: Mapper<K, V, KR>,
  options: NamedOptions = {},
  callback = 'the mapper of selectKey',
): StreamHandle {
  const get = (node: string) => new SelectKey(mapper, { callback, node })
  const node = { prefix: 'KSTREAM-KEY-SELECT-', name: options.name, get, role: { changesKey: true } }
  return addStreamNode(stream, node, NEW_KEY)
}
