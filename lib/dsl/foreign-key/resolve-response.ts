import { equalBytes } from '../../common/bytes.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { murmur3 } from '../../common/hash/murmur3.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import type { AnyJoiner } from '../joins/table-join-side.ts'
import type { TableValueGetter, ValueReader } from '../kit/table-operator.ts'
import type { ForeignKeyJoinPlan } from './foreign-key-join-plan.ts'
import { primaryValueBytes } from './foreign-key-join-plan.ts'
import type { KeyBytes } from './key-bytes.ts'
import type { SubscriptionResponse } from './subscription-response.ts'

/**
 * Left side: joins the answer with the row. An answer to a former row is dropped (and counted): the
 * subscription of the present one has an answer of its own, which may have come already.
 */
export class ResolveResponse implements Processor<unknown, SubscriptionResponse, unknown, unknown> {
  readonly #plan: ForeignKeyJoinPlan
  readonly #rows: ValueReader
  readonly #joiner: AnyJoiner
  #context!: ProcessorContext
  #dropped!: Counter
  #values!: KeyBytes

  constructor(plan: ForeignKeyJoinPlan, rows: TableValueGetter, joiner: AnyJoiner) {
    this.#plan = plan
    this.#rows = rows.reader()
    this.#joiner = joiner
  }

  init(context: ProcessorContext): void {
    this.#context = context
    this.#dropped = droppedRecords(context)
    this.#values = primaryValueBytes(this.#plan, context)
    this.#rows.init(context)
  }

  process(record: Record<unknown, SubscriptionResponse>): void {
    const { hash, foreignValue } = record.value
    const row = this.#rows.get(record.key)
    const now = row ? murmur3(this.#values.write(row.value)) : null
    if (!equalBytes(hash, now)) return this.#dropped.add()
    const hasResult = foreignValue !== null || (this.#plan.left && row)
    const result = hasResult ? this.#joiner(row ? row.value : null, foreignValue, record.key) : null
    this.#context.forward(record.withValue(result))
  }

  close(): void {
    this.#rows.close?.()
  }
}
