import type { ProcessorContext } from '../../processor/processor-context.ts'
import { Record } from '../../processor/record.ts'
import type { CachedStore, ValueAndTimestamp } from '../../store/contract/key-value-store.ts'
import { Change } from './change.ts'
import type { RowPut } from './row-store.ts'

/**
 * Hands on what changed in a table's store: at once, or, if the store holds changes back, when it lets go of
 * them. In the latter case several changes of a key have become one.
 */
export class ChangeForwarder<K, V> {
  readonly #context: ProcessorContext<K, Change<V>>
  readonly #heldBack: boolean

  constructor(
    context: ProcessorContext<K, Change<V>>,
    store: CachedStore<K, ValueAndTimestamp<V>>,
    sendOldValues: boolean,
  ) {
    this.#context = context
    this.#heldBack = store.setFlushListener(
      (key, newValue, oldValue, timestamp) => {
        const change = new Change(newValue?.value ?? null, oldValue?.value ?? null)
        // The headers are those of the record that wrote last: the store has put it in place of the one being
        // processed.
        const headers = context.recordContext().headers
        context.forward(new Record(key, change, newValue?.timestamp ?? timestamp, headers))
      },
      { sendOldValues },
    )
  }

  /** Whether changes come from the store's cache, and `forward` does nothing. */
  get holdsBack(): boolean {
    return this.#heldBack
  }

  /**
   * Forwards a change. `cause`: the record that made it, whose key and headers the result has. `oldValue`:
   * null unless somebody below asked for it.
   */
  forward(
    cause: Record<K, unknown>,
    newValue: V | null,
    oldValue: V | null,
    timestamp: number,
    put: RowPut = 'latest',
  ): void {
    if (this.#heldBack || put === 'not-put') return
    const change = new Change(newValue, oldValue, put === 'latest')
    this.#context.forward(new Record(cause.key, change, timestamp, cause.headerList))
  }
}
