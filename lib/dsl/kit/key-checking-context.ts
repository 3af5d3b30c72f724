import { StreamsError } from '../../common/errors/errors.ts'
import type { Record } from '../../processor/record.ts'
import { WrappedContext } from './wrapped-context.ts'

/**
 * The context of a processor that must keep keys: forwarding another key than that of the record being
 * processed throws. In a punctuator there is no such record, and the key is not checked.
 */
export class KeyCheckingContext extends WrappedContext {
  #record: Record<unknown, unknown> | undefined

  enter(record: Record<unknown, unknown>): void {
    this.#record = record
  }

  leave(): void {
    this.#record = undefined
  }

  override forward(record: Record<unknown, unknown>, childName?: string): void {
    if (this.#record && record.key !== this.#record.key) {
      throw new StreamsError(
        'KEY_CHANGED',
        'a processor of processValues forwarded a record with another key: use process instead, after which records are repartitioned where needed.',
      )
    }
    super.forward(record.withHeaders(record.headers), childName)
  }
}
