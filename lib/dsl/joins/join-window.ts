import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { WindowStore } from '../../store/contract/window-store.ts'

/** Keeps the records of one side of a join for the other side, after they have looked for matches there. */
export class JoinWindow<K, V> implements Processor<K, V | null, K, V | null> {
  readonly #storeName: string
  #context!: ProcessorContext<K, V | null>
  #store!: WindowStore<K, V>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext<K, V | null>): void {
    this.#context = context
    this.#store = context.getStateStore(this.#storeName)
  }

  process(record: Record<K, V | null>): void {
    this.#context.forward(record)
    if (record.key !== null) this.#store.put(record.key, record.value, record.timestamp)
  }
}
