import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { Mapper } from '../functions.ts'
import type { NamedOptions } from '../options.ts'
import type { StreamPart } from '../part.ts'
import { addStreamNode, NEW_KEY } from './add-node.ts'

class SelectKey<K, V, KR> implements Processor<K, V, KR, V> {
  readonly #mapper: Mapper<K, V, KR>
  #context!: ProcessorContext<KR, V>

  constructor(mapper: Mapper<K, V, KR>) {
    this.#mapper = mapper
  }

  init(context: ProcessorContext<KR, V>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    this.#context.forward(record.withKey(this.#mapper(record.value, record.key)))
  }
}

/** Marks the stream even where the new key equals the old: whether it does is only known record by record. */
export function selectKey<K, V, KR>(
  stream: StreamPart,
  mapper: Mapper<K, V, KR>,
  options: NamedOptions = {},
): StreamPart {
  const get = () => new SelectKey(mapper)
  const node = { prefix: 'KSTREAM-KEY-SELECT-', name: options.name, get, role: { changesKey: true } }
  return addStreamNode(stream, node, NEW_KEY)
}
