import type { Windowed } from '../../common/windowed.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import { Record } from '../../processor/record.ts'
import type { SessionStore } from '../../store/contract/session-store.ts'
import { Change } from '../kit/change.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'

/**
 * Forwards changes of a session store. Timestamps are the sessions' ends; results sent with each change have
 * no headers, as in Kafka Streams.
 */
export class SessionForwarder<K, V> {
  readonly #context: ProcessorContext<Windowed<K>, Change<V>>
  /** Whether changes are to be forwarded one by one. */
  readonly forwardsUpdates: boolean

  constructor(
    context: ProcessorContext<Windowed<K>, Change<V>>,
    store: SessionStore<K, V>,
    emit: EmitStrategy,
    sendOldValues: boolean,
  ) {
    this.#context = context
    this.forwardsUpdates = emit === 'on-window-update' && !this.#listen(store, sendOldValues)
  }

  forward(session: Windowed<K>, newValue: V | null, oldValue: V | null): void {
    this.#context.forward(new Record(session, new Change(newValue, oldValue), session.window.endMs))
  }

  /** Forwards results of closed sessions, with the headers of the record that closed them. */
  forwardFinal(cause: Record<K, unknown>, closed: Iterable<readonly [Windowed<K>, V]>): void {
    for (const [session, value] of closed) {
      const change = new Change(value, null as V | null)
      this.#context.forward(new Record(session, change, session.window.endMs, cause.headerList))
    }
  }

  #listen(store: SessionStore<K, V>, sendOldValues: boolean): boolean {
    const context = this.#context
    return store.setFlushListener(
      (session, newValue, oldValue) => {
        const change = new Change(newValue ?? null, oldValue ?? null)
        const headers = context.recordContext().headers
        context.forward(new Record(session, change, session.window.endMs, headers))
      },
      { sendOldValues },
    )
  }
}
