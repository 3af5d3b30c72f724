import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import { Record } from '../../../processor/record.ts'
import type { Mapper } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode, NEW_KEY_AND_VALUE } from '../../kit/add-node.ts'

type PairsMapper<K, V, KR, VR> = Mapper<K, V, Iterable<readonly [KR, VR]>>

/** Forwards results one by one while the mapper iterates: a generator is never collected. */
class FlatMap<K, V, KR, VR> implements Processor<K, V, KR, VR> {
  readonly #mapper: PairsMapper<K, V, KR, VR>
  readonly #owner: CallbackOwner
  #context!: ProcessorContext<KR, VR>

  constructor(mapper: PairsMapper<K, V, KR, VR>, owner: CallbackOwner) {
    this.#mapper = mapper
    this.#owner = owner
  }

  init(context: ProcessorContext<KR, VR>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    const owner = this.#owner
    const pairs = synchronous(this.#mapper(record.value, record.key), owner)
    for (const pair of pairs) {
      const [key, value] = synchronous(pair, owner, pairs)
      this.#context.forward(
        new Record(
          synchronous(key, owner, pairs),
          synchronous(value, owner, pairs),
          record.timestamp,
          record.headerList,
        ),
      )
    }
  }
}

export function flatMap<K, V, KR, VR>(
  stream: StreamHandle,
  mapper: PairsMapper<K, V, KR, VR>,
  options: NamedOptions = {},
): StreamHandle {
  const get = (node: string) => new FlatMap(mapper, { callback: 'the mapper of flatMap', node })
  const node = {
    prefix: 'KSTREAM-FLATMAP-',
    name: options.name,
    get,
    role: { changesKey: true, changesValue: true },
  }
  return addStreamNode(stream, node, NEW_KEY_AND_VALUE)
}
