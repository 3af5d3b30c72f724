import { NO_HEADERS } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { RecordMetadata } from '../../processor/processor-context.ts'
import { WrappedContext } from './wrapped-context.ts'

/**
 * The context of a value transformer. Its result is the one it returns: forwarding throws. While a row is
 * looked up for a join below, the record being processed is another table's, so the row's own time is shown
 * instead, and no place.
 */
export class TransformerContext extends WrappedContext {
  #row: RecordContext | undefined

  override forward(): void {
    throw new StreamsError(
      'FORWARD_IN_TRANSFORMER',
      'a value transformer cannot forward records: return the new value, or use toStream().process(…) for more than one result.',
    )
  }

  /** Sets the time of the row being looked up. `timestamp` -1: no row was found. */
  enterRow(timestamp: number): void {
    this.#row = {
      topic: undefined,
      partition: -1,
      offset: -1,
      timestamp,
      headers: NO_HEADERS,
      source: undefined,
    }
  }

  leaveRow(): void {
    this.#row = undefined
  }

  override recordMetadata(): RecordMetadata | undefined {
    return this.#row ? undefined : super.recordMetadata()
  }

  override recordContext(): RecordContext {
    return this.#row ?? super.recordContext()
  }
}
