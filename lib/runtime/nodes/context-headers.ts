import type { Header } from '../../common/headers.ts'
import { Record } from '../../processor/record.ts'

/** Hands headers that tell of a request on to records that a processor has made without them. */
export class ContextHeaders {
  readonly #names: ReadonlySet<string>

  private constructor(names: readonly string[]) {
    this.#names = new Set(names)
  }

  /** Undefined where none are to be handed on. */
  static of(names: readonly string[]): ContextHeaders | undefined {
    return names.length === 0 ? undefined : new ContextHeaders(names)
  }

  /**
   * The record with those of the present record's headers that it lacks; the record itself where it lacks
   * none. Asked only where the two have different headers.
   */
  carried(record: Record<unknown, unknown>, present: readonly Header[]): Record<unknown, unknown> {
    const own = record.headerList
    const lacking = present.filter(
      ({ key }) => this.#names.has(key) && !own.some(header => header.key === key),
    )
    if (lacking.length === 0) return record
    return new Record(record.key, record.value, record.timestamp, [...own, ...lacking])
  }
}
