import type { Counter } from '../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { Change } from '../kit/change.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import type { ForeignKeyJoinPlan } from './foreign-key-join-plan.ts'
import { foreignKeyBytes, primaryKeyBytes } from './foreign-key-join-plan.ts'
import type { KeyBytes } from './key-bytes.ts'
import { subscriptionPrefix } from './key-bytes.ts'
import type { SubscriptionStore } from './receive-subscription.ts'
import type { SubscriptionResponse } from './subscription-response.ts'

/** Right side: sends a changed row to all its subscribers, in the order of their keys' bytes. */
export class AnswerSubscribers implements Processor<unknown, Change<unknown>, unknown, SubscriptionResponse> {
  readonly #plan: ForeignKeyJoinPlan
  readonly #latestOnly: boolean
  #context!: ProcessorContext<unknown, SubscriptionResponse>
  #dropped!: Counter
  #store!: SubscriptionStore
  #foreignKeys!: KeyBytes
  #primaryKeys!: KeyBytes

  /** `latestOnly`: changes of a versioned table that came out of order are dropped (and counted). */
  constructor(plan: ForeignKeyJoinPlan, latestOnly: boolean) {
    this.#plan = plan
    this.#latestOnly = latestOnly
  }

  init(context: ProcessorContext<unknown, SubscriptionResponse>): void {
    this.#context = context
    this.#dropped = droppedRecords(context as ProcessorContext)
    this.#store = context.getStateStore(this.#plan.storeName)
    this.#foreignKeys = foreignKeyBytes(this.#plan, context as ProcessorContext)
    this.#primaryKeys = primaryKeyBytes(this.#plan, context as ProcessorContext)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    if (record.key === null || (this.#latestOnly && !record.value.isLatest)) return this.#dropped.add()
    const foreignValue = record.value.newValue
    const prefix = subscriptionPrefix(this.#foreignKeys.write(record.key))
    for (const [, { value: subscription }] of this.#store.prefixScan(prefix)) {
      const { hash, primaryKey, primaryPartition } = subscription
      const key = this.#primaryKeys.read(primaryKey)
      this.#context.forward(record.withKey(key).withValue({ hash, foreignValue, primaryPartition }))
    }
  }
}
