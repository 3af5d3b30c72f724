import type { Windowed } from '../../common/windowed.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import { Record } from '../../processor/record.ts'
import type { ValueAndTimestamp } from '../../store/contract/key-value-store.ts'
import type { TimestampedWindowStore } from '../../store/contract/window-store.ts'
import { ChangeForwarder } from '../kit/change-forwarder.ts'
import { Change } from '../kit/change.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'

/**
 * Forwards changes of a window store: with each change, when the store's cache lets go of it, or only at the
 * window's close.
 */
export class WindowForwarder<K, V> {
  readonly #context: ProcessorContext<Windowed<K>, Change<V>>
  /**
   * Whether changes are to be forwarded one by one: asked first, so that nothing is made for those that are
   * not.
   */
  readonly forwardsUpdates: boolean

  constructor(
    context: ProcessorContext<Windowed<K>, Change<V>>,
    store: TimestampedWindowStore<K, V>,
    emit: EmitStrategy,
    sendOldValues: boolean,
  ) {
    this.#context = context
    this.forwardsUpdates =
      emit === 'on-window-update' && !new ChangeForwarder(context, store, sendOldValues).holdsBack
  }

  forward(
    cause: Record<K, unknown>,
    startMs: number,
    endMs: number,
    newValue: V | null,
    oldValue: V | null,
    timestamp: number,
  ): void {
    const key = { key: cause.key, window: { startMs, endMs } }
    this.#context.forward(new Record(key, new Change(newValue, oldValue), timestamp, cause.headerList))
  }

  /**
   * Forwards results of closed windows, with their own timestamps, and the headers of the record that closed
   * them.
   */
  forwardFinal(
    cause: Record<K, unknown>,
    closed: Iterable<readonly [Windowed<K>, ValueAndTimestamp<V>]>,
  ): void {
    for (const [key, { value, timestamp }] of closed) {
      this.#context.forward(new Record(key, new Change(value, null as V | null), timestamp, cause.headerList))
    }
  }
}
