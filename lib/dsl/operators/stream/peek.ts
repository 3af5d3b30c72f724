import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { Action } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode } from '../../kit/add-node.ts'

/** Forwards records with headers of their own, as all operators that keep keys. */
class Peek<K, V> implements Processor<K, V, K, V> {
  readonly #action: Action<K, V>
  readonly #owner: CallbackOwner
  #context!: ProcessorContext<K, V>

  constructor(action: Action<K, V>, owner: CallbackOwner) {
    this.#action = action
    this.#owner = owner
  }

  init(context: ProcessorContext<K, V>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    // An async action's failure would be an unhandled rejection, and nothing would wait for its end.
    synchronous<unknown>(this.#action(record.value, record.key), this.#owner)
    this.#context.forward(record.withHeaders(record.headers))
  }
}

export function peek<K, V>(
  stream: StreamHandle,
  action: Action<K, V>,
  options: NamedOptions = {},
): StreamHandle {
  const get = (node: string) => new Peek(action, { callback: 'the action of peek', node })
  return addStreamNode(stream, { prefix: 'KSTREAM-PEEK-', name: options.name, get })
}

/** A `peek` with nothing below it; only the generated name differs. */
export function forEach<K, V>(stream: StreamHandle, action: Action<K, V>, options: NamedOptions = {}): void {
  const get = (node: string) => new Peek(action, { callback: 'the action of forEach', node })
  addStreamNode(stream, { prefix: 'KSTREAM-FOREACH-', name: options.name, get })
}
