import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { Action } from '../functions.ts'
import type { NamedOptions } from '../options.ts'
import type { StreamPart } from '../part.ts'
import { addStreamNode } from './add-node.ts'

/** As after all operators that keep keys, what is below gets headers of its own. */
class Peek<K, V> implements Processor<K, V, K, V> {
  readonly #action: Action<K, V>
  #context!: ProcessorContext<K, V>

  constructor(action: Action<K, V>) {
    this.#action = action
  }

  init(context: ProcessorContext<K, V>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    this.#action(record.value, record.key)
    this.#context.forward(record.withHeaders(record.headers))
  }
}

export function peek<K, V>(stream: StreamPart, action: Action<K, V>, options: NamedOptions = {}): StreamPart {
  return addStreamNode(stream, { prefix: 'KSTREAM-PEEK-', name: options.name, get: () => new Peek(action) })
}

/** The same with nothing below it; only the generated name differs. */
export function forEach<K, V>(stream: StreamPart, action: Action<K, V>, options: NamedOptions = {}): void {
  addStreamNode(stream, { prefix: 'KSTREAM-FOREACH-', name: options.name, get: () => new Peek(action) })
}
