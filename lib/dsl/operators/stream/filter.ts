import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { Predicate } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode } from '../../kit/add-node.ts'

/**
 * What is below gets headers of its own, as after all operators that keep keys: siblings must not see what is
 * added there.
 */
class Filter<K, V> implements Processor<K, V, K, V> {
  readonly #predicate: Predicate<K, V>
  readonly #keep: boolean
  readonly #owner: CallbackOwner
  #context!: ProcessorContext<K, V>

  constructor(predicate: Predicate<K, V>, keep: boolean, owner: CallbackOwner) {
    this.#predicate = predicate
    this.#keep = keep
    this.#owner = owner
  }

  init(context: ProcessorContext<K, V>): void {
    this.#context = context
  }

  process(record: Record<K, V>): void {
    // By truth, as `split` and `Array.filter` go: JavaScript's callers return what they have found.
    const holds = Boolean(synchronous(this.#predicate(record.value, record.key), this.#owner))
    if (holds === this.#keep) {
      this.#context.forward(record.withHeaders(record.headers))
    }
  }
}

/** `keep`: whether a record goes on for which the predicate holds; false for `filterNot`. */
export function filter<K, V>(
  stream: StreamHandle,
  predicate: Predicate<K, V>,
  keep: boolean,
  options: NamedOptions = {},
): StreamHandle {
  const callback = `the predicate of ${keep ? 'filter' : 'filterNot'}`
  const get = (node: string) => new Filter(predicate, keep, { callback, node })
  return addStreamNode(stream, { prefix: 'KSTREAM-FILTER-', name: options.name, get })
}
