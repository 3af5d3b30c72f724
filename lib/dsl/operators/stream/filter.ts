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
 * Forwards records with headers of their own, as all operators that keep keys: siblings must not see headers
 * that are added below.
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
    // Truthy results hold, as in `split` and `Array.filter`: callers in JavaScript return what they have
    // found.
    const holds = Boolean(synchronous(this.#predicate(record.value, record.key), this.#owner))
    if (holds === this.#keep) {
      this.#context.forward(record.withHeaders(record.headers))
    }
  }
}

/** Filters a stream. `keep`: whether records go on for which the predicate holds; false for `filterNot`. */
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
