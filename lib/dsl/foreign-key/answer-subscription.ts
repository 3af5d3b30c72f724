import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import { Record } from '../../processor/record.ts'
import type { TableValueGetter, ValueReader } from '../kit/table-operator.ts'
import type { ForeignKeyJoinPlan } from './foreign-key-join-plan.ts'
import { primaryKeyBytes } from './foreign-key-join-plan.ts'
import type { KeyBytes } from './key-bytes.ts'
import type { SubscriptionResponse } from './subscription-response.ts'
import type { Subscription } from './subscription.ts'

/** Right side: answers a subscription with the present row. */
export class AnswerSubscription implements Processor<unknown, Subscription, unknown, SubscriptionResponse> {
  readonly #plan: ForeignKeyJoinPlan
  readonly #rows: ValueReader
  #context!: ProcessorContext<unknown, SubscriptionResponse>
  #primaryKeys!: KeyBytes

  constructor(plan: ForeignKeyJoinPlan, rows: TableValueGetter) {
    this.#plan = plan
    this.#rows = rows.reader()
  }

  init(context: ProcessorContext<unknown, SubscriptionResponse>): void {
    this.#context = context
    this.#primaryKeys = primaryKeyBytes(this.#plan, context as ProcessorContext)
    this.#rows.init(context as ProcessorContext)
  }

  process(record: Record<unknown, Subscription>): void {
    const { hash, instruction, primaryKey, primaryPartition } = record.value
    if (instruction === 'delete-silently') return
    const row = record.key === null ? undefined : this.#rows.get(record.key)
    if (!row && instruction === 'answer-if-row-exists') return
    const foreignValue = row && instruction !== 'delete-and-answer-null' ? row.value : null
    const timestamp = row ? Math.max(record.timestamp, row.timestamp) : record.timestamp
    const response = { hash, foreignValue, primaryPartition }
    const key = this.#primaryKeys.read(primaryKey)
    this.#context.forward(new Record(key, response, timestamp, record.headerList))
  }

  close(): void {
    this.#rows.close?.()
  }
}
